/** Hands a program its stdin. */

/** Writes `content`, and ends it. The program may end without having read all of it. */
export async function writeStdin(
  stdin: WritableStream<Uint8Array<ArrayBuffer>>,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const writer = stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // The second one is the stream's, which is broken already.
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof TypeError)) throw error;
  }
}
