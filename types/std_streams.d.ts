/** The part of `@std/streams` that this project uses, which its npm build has no types for. */

/** Cuts a stream of text into lines, without their `\n` or `\r\n`. */
export class TextLineStream extends TransformStream<string, string> {
  constructor(options?: { allowCR?: boolean });
}
