/** The functions of `@std/toml` that this project uses, which its npm build has no types for. */

/** Reads TOML. @throws {SyntaxError} If `text` is none; the message says where. */
export function parse(text: string): Record<string, unknown>;
