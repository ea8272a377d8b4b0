/**
 * Keeps programs that run as another user from the keys of the session that the fabric was started in: what a process
 * starts inherits its session keyring, and who has that may read what is in it, whoever it is.
 */

import { withLibc } from "./libc.ts";

/** The number of the call `keyctl` of Linux, which the library of C has no function for. */
const KEYCTL: Readonly<Record<typeof Deno.build.arch, bigint>> = { x86_64: 250n, aarch64: 219n };

const GET_KEYRING_ID = 0n;
const JOIN_SESSION_KEYRING = 1n;

/** No name: a new one, which nobody else can join. */
const NEW = 0n;

/** The session keyring of this process, and not to make one. */
const SESSION_KEYRING = -3n;
const NO = 0n;

/**
 * What this process starts from now on has a new, empty session keyring. Where the system has no keyrings, or lets
 * nobody here use any, there is nothing to keep.
 *
 * @returns Why that is not possible, in one line; `undefined` if it is done.
 */
export function leaveKeyring(): string | undefined {
  return withLibc(({ syscall }) => {
    const keyctl = KEYCTL[Deno.build.arch];
    if (syscall(keyctl, JOIN_SESSION_KEYRING, NEW, NO) >= 0) return undefined;
    const hasOne = syscall(keyctl, GET_KEYRING_ID, SESSION_KEYRING, NO) >= 0;
    return hasOne ? "the system gives it no other keyring" : undefined;
  });
}
