/** The class of `@std/streams` that this project uses, which its npm build has no types for. */

/** Splits text into lines at `\n` or `\r\n`, which they do not include. The last one may be unfinished. */
export class TextLineStream extends TransformStream<string, string> {}
