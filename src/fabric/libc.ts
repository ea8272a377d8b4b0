/** Calls of the library of C that Deno has nothing for. */

/** The libraries of which a Linux has one. */
const LIBRARIES = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`];

const SYMBOLS = {
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  syscall: { parameters: ["isize", "isize", "isize", "isize"], result: "isize" },
} as const;

/** The calls, as in their manual pages. */
export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * Lets `use` call it.
 *
 * @returns What `use` returns: why it failed, in one line, or `undefined`; or why nothing can be called.
 */
export function withLibc(use: (libc: Libc) => string | undefined): string | undefined {
  if (Deno.build.os !== "linux") return "this system has nothing for that";
  // Asked, and not tried, since Deno would prompt.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return "it needs --allow-ffi";
  }
  const libc = openLibrary();
  if (libc === undefined) return `it has none of ${LIBRARIES.join(", ")}`;
  try {
    return use(libc.symbols);
  } finally {
    libc.close();
  }
}

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
