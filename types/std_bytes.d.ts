/** The function of `@std/bytes` that this project uses, which its npm build has no types for. */

/** All bytes of `parts`, one after the other, in a new array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer>;
