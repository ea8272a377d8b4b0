/** The errors for values that cannot be sent. They name the part that cannot, by its path. */

import { refusalOf } from "./value_classes.ts";
import { MAX_DEPTH } from "./value_tags.ts";

/** Thrown by the encoder at something that cannot be sent: a second walk then finds what and where it is. */
export const REFUSED: unique symbol = Symbol("refused");
/** Thrown by the encoder: too many levels. */
export const DEEP: unique symbol = Symbol("deep");

/** The errors created here; all others that encoding throws come from getters of the value. */
const refusals = new WeakSet<TypeError>();

/** Whether `error` says that a value cannot be encoded, and is not one of the program's own. */
export function isRefusal(error: unknown): error is TypeError {
  return error instanceof TypeError && refusals.has(error);
}

/** An error that says why a value cannot be sent. */
export function refuse(message: string, options?: ErrorOptions): TypeError {
  const refusal = new TypeError(message, options);
  refusals.add(refusal);
  return refusal;
}

/** The error for its caller, if `error` was thrown while `value` was encoded. */
export function explain(error: unknown, value: unknown): unknown {
  if (error === REFUSED) return refuse(whyRefused(value));
  if (error === DEEP) {
    return refuse(`value is nested too deeply; at most ${MAX_DEPTH} levels can be sent`);
  }
  if (error instanceof RangeError && /call stack/i.test(error.message)) {
    return refuse("value is nested too deeply for the remaining stack", { cause: error });
  }
  return error;
}

/** A value to check, and its path as a program would write it. */
interface Place {
  readonly value: unknown;
  readonly parent: Place | undefined;
  /** Its path, given that of its parent. */
  readonly path: (parent: string) => string;
}

/**
 * The message for a `value` that contains something that cannot be sent.
 *
 * The text names the first such thing by its path: `value.jobs[3].run is a function; functions
 * cannot be sent`.
 */
function whyRefused(value: unknown): string {
  const seen = new Set<object>();
  const rest: Place[] = [{ value, parent: undefined, path: () => "value" }];
  for (let place = rest.pop(); place !== undefined; place = rest.pop()) {
    const refusal = refusalOf(place.value);
    if (refusal !== undefined) return `${pathOf(place)} is ${refusal}`;
    if (typeof place.value !== "object" || place.value === null || seen.has(place.value)) continue;
    seen.add(place.value);
    // The last one pushed is checked next, which gives the encoder's order.
    rest.push(...childrenOf(place.value, place).reverse());
  }
  // A getter returned it to the encoder, and something else to this walk.
  return "value has a getter that returns something that cannot be sent";
}

function childrenOf(value: object, parent: Place): Place[] {
  const place = (value: unknown, path: Place["path"]): Place => ({ value, parent, path });
  if (value instanceof Map) {
    return [...value].flatMap(([key, content], index) => [
      place(key, (path) => `[...${path}.keys()][${index}]`),
      place(
        content,
        (path) =>
          typeof key === "object" ? `[...${path}.values()][${index}]` : `${path}.get(${show(key)})`,
      ),
    ]);
  }
  if (value instanceof Set) {
    return [...value].map((item, index) => place(item, (path) => `[...${path}][${index}]`));
  }
  if (ArrayBuffer.isView(value)) return [place(value.buffer, (path) => `${path}.buffer`)];
  if (value instanceof Error) {
    return ["cause", "errors"].filter((name) => Object.hasOwn(value, name))
      .map((name) => {
        const content = (value as unknown as Record<string, unknown>)[name];
        return place(content, (path) => `${path}.${name}`);
      });
  }
  return Object.keys(value).map((key) => {
    const step = Array.isArray(value) && /^\d+$/.test(key) ? `[${key}]` : property(key);
    return place((value as Record<string, unknown>)[key], (path) => path + step);
  });
}

function show(key: unknown): string {
  return typeof key === "bigint" ? `${key}n` : JSON.stringify(key) ?? String(key);
}

function property(key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${JSON.stringify(key)}]`;
}

function pathOf(place: Place): string {
  const places: Place[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) places.push(at);
  return places.reduceRight((parent, { path }) => path(parent), "");
}
