/** Checks of untrusted messages: the required fields and their allowed values. */

import { isPid } from "../core/pid.ts";
import { isSignal, MAX_GRACE_MS } from "../core/signals.ts";
import { ProtocolError } from "../core/protocol_error.ts";

/** Whether a field's value is allowed. */
export type Check = (value: unknown) => boolean;

export function text(value: unknown): boolean {
  return typeof value === "string";
}

export function bool(value: unknown): boolean {
  return typeof value === "boolean";
}

export function bytes(value: unknown): boolean {
  return value instanceof Uint8Array;
}

export function pid(value: unknown): boolean {
  return isPid(value);
}

/** A finite, non-negative number. */
export function amount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < Infinity;
}

/** A `Resources` of core. */
export const resources: Check = fields({ mem: amount, cpu: amount });

/** A `HeldArg` of core. */
export const heldArg: Check = fields({ node: text, id: text, size: integer });

/** A part of a `Resources` of core. */
export const someResources: Check = fields({ mem: orNone(amount), cpu: orNone(amount) });

/** A non-negative integer. */
export function integer(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The name of a signal. */
export function signal(value: unknown): boolean {
  return isSignal(value);
}

/** The grace of a process, in ms, up to the longest allowed one. */
export function grace(value: unknown): boolean {
  return amount(value) && (value as number) <= MAX_GRACE_MS;
}

/** A TCP port that something listens on. */
export function port(value: unknown): boolean {
  return integer(value) && value > 0 && value < 65_536;
}

/** A point in time that a `Date` can hold, in milliseconds since the epoch. */
export function time(value: unknown): boolean {
  return integer(value) && value <= 8.64e15;
}

/** A key of 32 bytes. */
export function key(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 32;
}

/** An `ExitStatus`. */
export function status(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const entries = Object.entries(value);
  const [kind, content] = entries[0] ?? [];
  return entries.length === 1 &&
    (kind === "code"
      ? Number.isSafeInteger(content)
      : (kind === "signal" || kind === "killed" || kind === "lost") &&
        typeof content === "string");
}

/** `null`, or a value that `check` allows. */
export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

/** `undefined`, also for a missing field, or a value that `check` allows. */
export function orNone(check: Check): Check {
  return (value) => value === undefined || check(value);
}

/** One of these strings. */
export function oneOf(...values: readonly string[]): Check {
  return (value) => values.includes(value as string);
}

/** An array of at most `count` values that `check` allows. */
export function listOf(check: Check, count: number): Check {
  return (value) => Array.isArray(value) && value.length <= count && value.every(check);
}

/** An object in which the check of each of these fields passes; others may exist. */
export function fields(checks: Readonly<Record<string, Check>>): Check {
  const all = Object.entries(checks);
  return (value) =>
    typeof value === "object" && value !== null &&
    all.every(([name, check]) => check((value as Record<string, unknown>)[name]));
}

/** An object whose field `kind` names one of these, and whose other fields pass its checks. */
export function variant(
  kind: string,
  variants: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): Check {
  const checks = new Map(Object.entries(variants).map(([name, each]) => [name, fields(each)]));
  return (value) =>
    typeof value === "object" && value !== null &&
    (checks.get((value as Record<string, string>)[kind]!)?.(value) ?? false);
}

/** Why a request has failed: a reason of a `SpawnError`, or `"unknown"`. */
export const reason: Check = oneOf(
  "no-capacity",
  "unsatisfiable",
  "unregistered",
  "invalid",
  "not-started",
  "lost",
  "unknown",
);

/** For each message of a union, by `type`, a check for each of its other fields. */
export type Schema<Message extends { type: string }> = {
  [Type in Message["type"]]: Record<Exclude<keyof Extract<Message, { type: Type }>, "type">, Check>;
};

/**
 * Returns `value` as a message of `schema`.
 *
 * @throws {ProtocolError} If it is not one.
 */
export function checkMessage<Message extends { type: string }>(
  schema: Schema<Message>,
  value: unknown,
): Message {
  if (typeof value !== "object" || value === null) throw new ProtocolError("it is not a message");
  const message = value as Record<string, unknown>;
  const type = message["type"];
  if (typeof type !== "string" || !Object.hasOwn(schema, type)) {
    const shown = typeof type === "string" ? JSON.stringify(type) : typeof type;
    throw new ProtocolError(`unknown message type ${shown}`);
  }
  const fields: Record<string, Check> = schema[type as Message["type"]];
  for (const [name, accepts] of Object.entries(fields)) {
    if (!accepts(message[name])) {
      throw new ProtocolError(`invalid "${name}" in a "${type}" message`);
    }
  }
  return message as Message;
}
