/** The function of `@std/encoding` that this project uses, which its npm build has no types for. */

/** Two lower-case hex digits for each byte. */
export function encodeHex(bytes: Uint8Array): string;
