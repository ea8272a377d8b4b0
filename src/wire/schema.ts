/**
 * What untrusted messages consist of: the fields of each, and their allowed values.
 *
 * A message is decoded as its schema says. What a schema does not name is skipped, whatever it is, so that
 * it costs no more than its bytes.
 */

import type { EndStatus, ExitStatus } from "../core/exit_status.ts";
import { isPid } from "../core/pid.ts";
import { isSignal, MAX_GRACE_MS } from "../core/signals.ts";
import { ProtocolError } from "../core/errors.ts";
import {
  decodePlain,
  findText,
  isBytesNext,
  readBool,
  readBytes,
  readKey,
  readListStart,
  readNumber,
  readObjectStart,
  readText,
  skipNull,
  skipValue,
  UnexpectedValue,
} from "./plain_input.ts";

/** Reads a value of the input. @throws {UnexpectedValue} If it is not allowed. */
export interface Shape {
  (): unknown;
  /** Whether a field of it may be missing. */
  readonly optional?: true;
  /** The most bytes that it may take. */
  readonly maxBytes: number;
}

/** Shapes of fields, by name. */
export type Shapes = Readonly<Record<string, Shape>>;

/** For each message of a union, by `type`, the shapes of its other fields. */
export type Schema<Message extends { type: string }> = {
  [Type in Message["type"]]: Record<Exclude<keyof Extract<Message, { type: Type }>, "type">, Shape>;
};

/** The longest text, in UTF-16 code units. */
const MAX_TEXT = 1024 * 1024;

/** No text is encoded in more than 3 bytes a code unit; its tag and length take some. */
const MAX_TEXT_BYTES = 3 * MAX_TEXT + 10;

/** Room for the type of a message, and for fields of other versions. */
const UNKNOWN_BYTES = 4096;

/** The most bytes of a number, with its tag. */
const NUMBER_BYTES = 9;

function shape(read: () => unknown, maxBytes: number): Shape {
  return Object.assign(read, { maxBytes });
}

/** A value of `base` for which `accepts` holds. */
function refined<Value>(base: () => Value, accepts: (value: Value) => boolean, max: number): Shape {
  return shape(() => allowed(base, accepts), max);
}

function allowed<Value>(base: () => Value, accepts: (value: Value) => boolean): Value {
  const value = base();
  if (!accepts(value)) throw new UnexpectedValue("a value is not allowed");
  return value;
}

export const text: Shape = textUpTo(MAX_TEXT);

/** A text of at most `length` UTF-16 code units. */
export function textUpTo(length: number): Shape {
  return refined(readText, (value) => value.length <= length, 3 * length + 10);
}

export const bool: Shape = shape(readBool, 1);

export const bytes: Shape = shape(readBytes, Infinity);

/** At most `size` bytes. */
export function bytesUpTo(size: number): Shape {
  return refined(readBytes, ({ length }) => length <= size, size + 12);
}

export const pid: Shape = refined(readText, isPid, 512);

/** A finite, non-negative number. */
export const amount: Shape = refined(readNumber, isAmount, NUMBER_BYTES);

/** A non-negative integer. */
export const integer: Shape = refined(readNumber, isCount, NUMBER_BYTES);

/** A `Resources` of core. */
export const resources: Shape = fields({ mem: amount, cpu: amount });

/** A part of a `Resources` of core. */
export const someResources: Shape = fields({ mem: orNone(amount), cpu: orNone(amount) });

/** A `HeldArg` of core. */
export const heldArg: Shape = fields({ node: text, id: text, size: integer });

/** The name of a signal. */
export const signal: Shape = refined(readText, isSignal, 64);

/** The grace of a process, in ms, up to the longest allowed one. */
export const grace: Shape = refined(
  readNumber,
  (value) => isAmount(value) && value <= MAX_GRACE_MS,
  NUMBER_BYTES,
);

/** A TCP port that something listens on. */
export const port: Shape = refined(
  readNumber,
  (value) => isCount(value) && value > 0 && value < 65_536,
  NUMBER_BYTES,
);

/** A point in time that a `Date` can hold, in milliseconds since the epoch. */
export const time: Shape = refined(
  readNumber,
  (value) => isCount(value) && value <= 8.64e15,
  NUMBER_BYTES,
);

/** The descriptor of a stream: 1 or 2. */
export const fd: Shape = refined(readNumber, (value) => value === 1 || value === 2, NUMBER_BYTES);

/** A key of 32 bytes. */
export const key: Shape = refined(readBytes, ({ length }) => length === 32, 64);

/** An `EndStatus`. */
export const status: Shape = shape(readStatus, MAX_TEXT_BYTES + 64);

function readStatus(): EndStatus {
  const count = readObjectStart();
  if (count !== 1 && count !== 2) throw new UnexpectedValue("a status has one property, or two");
  const kind = readKey();
  if (count === 2 && kind !== "code") {
    throw new UnexpectedValue("only an exit code has another property");
  }
  switch (kind) {
    case "code": {
      const code = allowed(readNumber, Number.isSafeInteger);
      if (count === 1) return { code };
      if (readKey() !== "undelivered") throw new UnexpectedValue("not a status");
      return { code, undelivered: text() as string };
    }
    case "signal":
    case "killed":
    case "lost":
      return { [kind]: text() } as unknown as ExitStatus;
    default:
      throw new UnexpectedValue("not a status");
  }
}

/** `null`, or a value of `inner`. */
export function orNull(inner: Shape): Shape {
  return shape(() => skipNull() ? null : inner(), inner.maxBytes);
}

/** A value of `inner`, or no field. */
export function orNone(inner: Shape): Shape {
  const read = (): unknown => inner();
  return Object.assign(read, { maxBytes: inner.maxBytes, optional: true as const });
}

/** The permissions of a process, if it has some of its own: a few flags of `deno run` for each. */
export const permissionFlags: Shape = orNone(listOf(textUpTo(32 * 1024), 32));

/** Bytes, or a value of `inner`. */
export function bytesOr(inner: Shape): Shape {
  return shape(() => isBytesNext() ? readBytes() : inner(), Infinity);
}

/** One of these numbers or strings. */
export function oneOf(...values: readonly string[]): Shape {
  return refined(readText, (value) => values.includes(value), 512);
}

/** A list of at most `count` values of `inner`. */
export function listOf(inner: Shape, count: number): Shape {
  return shape(() => {
    const length = allowed(readListStart, (value) => value <= count);
    const list: unknown[] = [];
    while (list.length < length) list.push(inner());
    return list;
  }, count * inner.maxBytes);
}

/** An object with these fields; others are skipped. */
export function fields(shapes: Shapes): Shape {
  return shape(() => {
    const object = {};
    const missing = readFields(shapes, object, readObjectStart());
    if (missing !== undefined) throw new UnexpectedValue(`a field is missing: ${missing}`);
    return object;
  }, sizeOf(shapes));
}

/** An object whose field `kind` names one of these variants, whose shapes the others have. */
export function variant(kind: string, variants: Readonly<Record<string, Shapes>>): Shape {
  return shape(() => {
    const count = readObjectStart();
    const name = findText(kind, count);
    if (name === undefined || !Object.hasOwn(variants, name)) {
      throw new UnexpectedValue(`not a ${kind}`);
    }
    const object = { [kind]: name };
    const missing = readFields(variants[name] as Shapes, object, count);
    if (missing !== undefined) throw new UnexpectedValue(`a field is missing: ${missing}`);
    return object;
  }, Math.max(...Object.values(variants).map(sizeOf)));
}

/** Why a request has failed: a reason of a `SpawnError`, or `"unknown"`. */
export const reason: Shape = oneOf(
  "no-capacity",
  "unsatisfiable",
  "unregistered",
  "invalid",
  "not-started",
  "lost",
  "unknown",
);

/**
 * Decodes `body` as a message of `schema`. Bytes in it are views of `body`, which they keep alive.
 *
 * @throws {ProtocolError} If it is not one.
 */
export function decodeBySchema<Message extends { type: string }>(
  schema: Schema<Message>,
  body: Uint8Array<ArrayBuffer>,
): Message {
  return decodePlain(body, () => readMessage(schema));
}

/** The most bytes of a message of that type: 0 if there is none. */
export function maxBytesOf(schema: Readonly<Record<string, Shapes>>, type: string): number {
  return Object.hasOwn(schema, type) ? sizeOf(schema[type] as Shapes) : 0;
}

function readMessage<Message extends { type: string }>(schema: Schema<Message>): Message {
  let type: string | undefined;
  let count: number;
  try {
    count = readObjectStart();
    type = findText("type", count);
  } catch (error) {
    if (error instanceof UnexpectedValue) throw new ProtocolError("it is not a message");
    throw error;
  }
  if (type === undefined) throw new ProtocolError("it is not a message");
  if (!Object.hasOwn(schema, type)) {
    throw new ProtocolError(`unknown message type ${JSON.stringify(type)}`);
  }
  const message: Record<string, unknown> = { type };
  const shapes: Shapes = schema[type as Message["type"]];
  const missing = readFields(shapes, message, count, type);
  if (missing !== undefined) throw invalid(missing, type);
  return message as Message;
}

/**
 * Reads `count` fields into `object`; returns the name of the first missing one.
 *
 * @param type The type of the message, if this is one, for the error.
 */
function readFields(
  shapes: Shapes,
  object: Record<string, unknown>,
  count: number,
  type?: string,
): string | undefined {
  let name = "";
  try {
    for (let rest = count; rest > 0; rest--) {
      name = readKey();
      if (!Object.hasOwn(shapes, name)) {
        skipValue();
      } else if (object[name] === undefined) {
        object[name] = (shapes[name] as Shape)();
      } else {
        throw new ProtocolError(`a second "${name}"`);
      }
    }
  } catch (error) {
    if (type !== undefined && error instanceof UnexpectedValue) throw invalid(name, type);
    throw error;
  }
  for (const name in shapes) {
    if (object[name] === undefined && (shapes[name] as Shape).optional !== true) return name;
  }
  return undefined;
}

function invalid(field: string, type: string): ProtocolError {
  return new ProtocolError(`invalid "${field}" in a "${type}" message`);
}

/** The most bytes of an object with these fields, and of some that are not known. */
function sizeOf(shapes: Shapes): number {
  return Object.entries(shapes).reduce(
    (sum, [name, { maxBytes }]) => sum + name.length + maxBytes,
    UNKNOWN_BYTES,
  );
}

function isAmount(value: number): boolean {
  return value >= 0 && value < Infinity;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
