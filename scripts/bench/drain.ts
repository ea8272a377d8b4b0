/** Reads output that is needed only if something fails. */

const KEPT_CHARACTERS = 4_000;

/** Reads a stream to its end; `text` is the last part of it so far. */
export function drain(stream: ReadableStream<Uint8Array<ArrayBuffer>>): { text: string } {
  const kept = { text: "" };
  void (async () => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      kept.text = (kept.text + text).slice(-KEPT_CHARACTERS);
    }
  })();
  return kept;
}
