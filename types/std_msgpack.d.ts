/** The functions of `@std/msgpack` that this project uses, which its npm build has no types for. */

/** What MessagePack carries, as `@std/msgpack` sees it. */
export type ValueType =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly ValueType[]
  | { [key: string]: ValueType };

export function encode(value: ValueType): Uint8Array<ArrayBuffer>;
export function decode(bytes: Uint8Array): unknown;
