/** Parses the output of `deno test`. */

/** The numbers of tests that passed, failed, and were not run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** The counts that a run of `deno test` prints last; `undefined` if it did not finish. */
export function readCounts(output: string): Counts | undefined {
  const lines = output.matchAll(/^(?:ok|FAILED) \| (\d+) passed.* \| (\d+) failed(.*)$/gm)
    .toArray();
  const [, passed, failed, rest = ""] = lines.at(-1) ?? [];
  if (passed === undefined || failed === undefined) return undefined;
  const ignored = /\| (\d+) ignored/.exec(rest)?.[1] ?? 0;
  return { passed: Number(passed), failed: Number(failed), ignored: Number(ignored) };
}

/** The important part of a failed run's output: its errors, or the last lines if there are none. */
export function failureText(output: string): string {
  const begin = output.lastIndexOf("\n ERRORS \n");
  if (begin >= 0) {
    const end = output.indexOf("\n FAILURES \n", begin);
    return output.slice(begin + "\n ERRORS \n".length, end < 0 ? undefined : end).trim();
  }
  return output.trimEnd().split("\n").slice(-40).join("\n");
}
