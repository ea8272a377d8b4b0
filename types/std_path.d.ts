/** The functions of `@std/path/posix` that this project uses, which its npm build has no types for. */

/** The last part of a path: `b` of `a/b` and of `a/b/`. */
export function basename(path: string): string;

/** A path without its last part: `a` of `a/b`, `.` of `a`, `/` of `/a` and of `/`. */
export function dirname(path: string): string;
