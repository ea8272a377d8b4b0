/** The functions of `@std/msgpack` that this project uses, which its npm build has no types for. */

/** What MessagePack, as `@std/msgpack` writes and reads it, can hold. */
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array<ArrayBuffer>
  | readonly Value[]
  | { readonly [name: string]: Value };

/** Writes a value. */
export function encode(value: Value): Uint8Array<ArrayBuffer>;

/** Reads a value, to the end of `bytes`. @throws {Error} If `bytes` are not just one. */
export function decode(bytes: Uint8Array<ArrayBuffer>): Value;
