/**
 * The tags of the value codec's format: the first byte of each value.
 *
 * A message is one header byte, then one value. The header is {@linkcode PLAIN}, or
 * {@linkcode SHARED} if a {@linkcode REF} occurs; only then need the reader number the objects.
 * A value is a tag, followed by what the tag specifies. Fixed-size numbers are little-endian; a "count" is
 * a LEB128 number below 2^53. Objects of all kinds are numbered from 0 in the order in which they
 * reach the point where a cycle could refer to them: an object, array, Map, Set or Error
 * before its contents, everything else after them.
 *
 * - `0x00` to `0x7f`: that integer.
 * - {@linkcode LATIN1} + n: a string of n < 32 characters below U+0100, one byte each.
 * - {@linkcode OBJECT} + n: n < 16 keys, each followed by its value. A key is its length, at most
 *   {@linkcode MAX_KEY_BYTES}, and that many Latin-1 bytes, or {@linkcode LONG_KEY} and a string value.
 * - {@linkcode ARRAY} + n: n < 16 elements. {@linkcode REST} in place of an element ends them
 *   early; see there.
 */

/** Header of a message without references. */
export const PLAIN = 0;
/** Header of a message with references. */
export const SHARED = 1;

export const LATIN1 = 0x80;
export const OBJECT = 0xa0;
export const ARRAY = 0xb0;

export const UNDEFINED = 0xc0;
export const NULL = 0xc1;
export const FALSE = 0xc2;
export const TRUE = 0xc3;
export const INT8 = 0xc4;
export const INT16 = 0xc5;
export const INT32 = 0xc6;
export const DOUBLE = 0xc7;
/** 8 bytes. */
export const BIGINT64 = 0xc8;
/** A string value: an optional `-`, then hexadecimal digits. */
export const BIGINT = 0xc9;
/** A byte n, then n Latin-1 characters. */
export const LATIN1_MEDIUM = 0xca;
/** 4 bytes n, then n bytes. */
export const UTF8 = 0xcb;
/** A count n, then n UTF-16 code units; lone surrogates survive only here. */
export const UTF16 = 0xcc;
/** A count of keys, then as {@linkcode OBJECT}. */
export const OBJECT_LONG = 0xcd;
/** A count of elements, then as {@linkcode ARRAY}. */
export const ARRAY_LONG = 0xce;
/** A count that is the array's `length`, then elements, and always {@linkcode REST}. */
export const ARRAY_MORE = 0xcf;
/** Ends the elements of an array: a count, then as many keys, each followed by its value. */
export const REST = 0xd0;
/** A count: the number of the object that is referred to. */
export const REF = 0xd1;
/** 8 bytes: the time in ms, NaN for an invalid date. */
export const DATE = 0xd2;
/** Two string values: source and flags. */
export const REGEXP = 0xd3;
/** Alternating keys and values until {@linkcode END}. */
export const MAP = 0xd4;
/** Values until {@linkcode END}. */
export const SET = 0xd5;
export const END = 0xd6;
/** A count n, then n bytes. */
export const BUFFER = 0xd7;
/** A count that is `maxByteLength`, then as {@linkcode BUFFER}. */
export const RESIZABLE_BUFFER = 0xd8;
/** A byte that indexes {@linkcode VIEWS}, then its buffer, which it covers completely. */
export const WHOLE_VIEW = 0xd9;
/** A byte that indexes {@linkcode VIEWS}, counts `byteOffset` and `length`, then its buffer. */
export const VIEW = 0xda;
/** As {@linkcode VIEW} without `length`: it tracks that of its resizable buffer. */
export const TRACKING_VIEW = 0xdb;
/** A byte that indexes {@linkcode ERRORS}, a byte of `HAS_...` flags, and those values. */
export const ERROR = 0xdc;
/** Three string values: message, name and stack. */
export const DOM_EXCEPTION = 0xdd;
/** A boolean, number, string or bigint value, to be wrapped in an object. */
export const BOXED = 0xde;
/**
 * A `Blob` or `File`: a string value that is its type; a string value that is its name and 8 bytes that are
 * `lastModified`, or `UNDEFINED` for a `Blob`; then as {@linkcode BUFFER}.
 */
export const BLOB = 0xdf;

/**
 * `SAME_SHAPE` + n: an object with the keys of shape n, whose values follow without them. Shapes are
 * numbered as their objects, written in full, end: the first {@linkcode MAX_SHAPES} of a message.
 */
export const SAME_SHAPE = 0xe0;
export const MAX_SHAPES = 16;

export const MAX_KEY_BYTES = 64;
export const LONG_KEY = 0xff;

export const HAS_MESSAGE = 1;
export const HAS_STACK = 2;
export const HAS_CAUSE = 4;
export const HAS_ERRORS = 8;

/**
 * The maximum nesting of values: about that of `structuredClone()`. Nested Maps, Sets and Errors
 * need more of the stack, which may be exhausted first.
 */
export const MAX_DEPTH = 2_000;

/** The maximum total of `maxByteLength` of a message's resizable buffers: address space, not memory. */
export const MAX_RESIZABLE_BYTES = 2 ** 36;

/** Names of the constructors of views, in the order of their numbers in a message. */
export const VIEWS: readonly string[] = [
  "Uint8Array",
  "Uint8ClampedArray",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigUint64Array",
  "BigInt64Array",
  "Float16Array",
  "DataView",
];

/** Names of the errors that keep their class, in the order of their numbers in a message. */
export const ERRORS = [
  "Error",
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "AggregateError",
] as const;
