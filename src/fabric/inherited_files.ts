/**
 * Keeps programs from the files that whoever started the fabric has left open in it, such as `7` in
 * `fabric --secret-file /dev/fd/7 7</root/secret`: what a process starts inherits them.
 */

import { withLibc } from "./libc.ts";

/** Of Linux: the command that sets the flags of a file descriptor, and the flag that closes it in what is started. */
const SET_FLAGS = 2;
const CLOSE_ON_EXEC = 1;

/** stdin, stdout and stderr. */
const STANDARD = 3;

/**
 * What this process starts from now on gets none of the files that are open in it. Those that Deno opens it never gets.
 * Called before the memory is hidden, with which the list of them is.
 *
 * @returns Why that is not possible, in one line; `undefined` if it is done.
 */
export function keepFiles(): string | undefined {
  return withLibc(({ fcntl }) => {
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      // That of the list itself is closed already, and refused.
      if (Number(name) >= STANDARD) fcntl(Number(name), SET_FLAGS, CLOSE_ON_EXEC);
    }
    return undefined;
  });
}
