/** The function of `@std/jsonc` that this project uses, which its npm build has no types for. */

/** Reads JSON with comments and trailing commas. @throws {SyntaxError} If `text` is none. */
export function parse(text: string): unknown;
