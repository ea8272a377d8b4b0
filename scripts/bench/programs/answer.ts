/** The other end of `commanded.ts`: a program answers questions until stdin ends. */

/** For each line of stdin, prints the number that the function of that name gives. */
export async function answer(
  questions: Readonly<Record<string, () => Promise<number>>>,
): Promise<void> {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const question = questions[line];
      if (question === undefined) throw new Error(`Cannot answer ${JSON.stringify(line)}`);
      console.log(await question());
    }
  }
}

/** The median of some times. */
export function median(times: Float64Array): number {
  return times.toSorted()[times.length >> 1] ?? NaN;
}
