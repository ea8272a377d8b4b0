/**
 * Keeps programs from the memory and the environment of a fabric that runs as the same user, in which the secret is.
 * It does not keep them from files of that user.
 */

import type { Logger } from "../core/logger.ts";

/** `PR_SET_DUMPABLE` of Linux. */
const SET_DUMPABLE = 4;

/** The libraries of C that have `prctl`, one of which a system has. */
const LIBRARIES = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];

/**
 * Makes this process one that others of its user can neither trace nor look into by `/proc/<pid>/environ`, `mem`, `fd`
 * and their kin, and that leaves no core dump. Root still can. What it starts is not affected.
 *
 * @returns Why that is not possible, in one line; `undefined` if it is done.
 */
export function hideMemory(): string | undefined {
  if (Deno.build.os !== "linux") return "this system has nothing for that";
  // Asked, and not tried, since Deno would prompt.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "it needs --allow-ffi";
  }
  const libc = openLibrary();
  if (libc === undefined) return `it has none of ${LIBRARIES.join(", ")}`;
  try {
    const result = libc.symbols.prctl(SET_DUMPABLE, 0n, 0n, 0n, 0n);
    return result === 0 ? undefined : "the system refuses it";
  } finally {
    libc.close();
  }
}

const SYMBOLS = {
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
} as const;

function openLibrary(): Deno.DynamicLibrary<typeof SYMBOLS> | undefined {
  for (const library of LIBRARIES) {
    try {
      return Deno.dlopen(library, SYMBOLS);
    } catch {
      // The system has another one.
    }
  }
  return undefined;
}

/** As {@linkcode hideMemory}; says so in the log if that is not possible. */
export function hideMemoryOrSay(logger: Logger): void {
  const why = hideMemory();
  if (why === undefined) return;
  logger.info(`other processes of this user can look into the memory of this one: ${why}`);
}
