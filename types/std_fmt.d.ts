/** The function of `@std/fmt` that this project uses, which its npm build has no types for. */

/** `text` without its ANSI escape sequences. */
export function stripAnsiCode(text: string): string;
