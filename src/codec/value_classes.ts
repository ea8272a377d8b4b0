/**
 * The classes of objects that the value codec supports, and those it refuses: among them classes with private state,
 * which cannot be copied, as their source tells.
 */

/** How the codec treats an object. `refused` cannot be sent. */
export type Kind =
  | "object"
  | "array"
  | "view"
  | "buffer"
  | "map"
  | "set"
  | "date"
  | "regexp"
  | "error"
  | "dom"
  | "boxed"
  | "blob"
  | "refused";

interface ClassInfo {
  readonly kind: Kind;
  /** Throws unless its argument is really of that kind: any object can inherit from `Map.prototype`. */
  readonly probe?: (value: object) => unknown;
  /** What instances are and why they cannot be sent, if so. */
  readonly refusal?: string;
}

type Getter = (this: unknown) => unknown;

function getter(prototype: object, name: string): (value: object) => unknown {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get as Getter;
  return (value) => get.call(value);
}

/** Built-in classes that can be sent, by prototype; subclasses are found along their prototype chain. */
const BUILT_IN = new Map<object, ClassInfo>([
  [Map.prototype, { kind: "map", probe: getter(Map.prototype, "size") }],
  [Set.prototype, { kind: "set", probe: getter(Set.prototype, "size") }],
  [Date.prototype, { kind: "date", probe: (value) => Date.prototype.getTime.call(value) }],
  [RegExp.prototype, { kind: "regexp", probe: getterOfInstance(RegExp.prototype, "source") }],
  [
    ArrayBuffer.prototype,
    { kind: "buffer", probe: getter(ArrayBuffer.prototype, "byteLength") },
  ],
  [Boolean.prototype, { kind: "boxed", probe: (value) => Boolean.prototype.valueOf.call(value) }],
  [Number.prototype, { kind: "boxed", probe: (value) => Number.prototype.valueOf.call(value) }],
  [String.prototype, { kind: "boxed", probe: (value) => String.prototype.valueOf.call(value) }],
  [BigInt.prototype, { kind: "boxed", probe: (value) => BigInt.prototype.valueOf.call(value) }],
  [Error.prototype, { kind: "error", probe: probeError }],
  [DOMException.prototype, { kind: "dom", probe: getter(DOMException.prototype, "code") }],
]);

function probeError(value: object): void {
  const { isError } = Error as unknown as { isError(value: unknown): boolean };
  if (!isError(value)) throw new TypeError("it is not an error");
}

/** Like `getter`, for a getter that also works on the prototype itself. */
function getterOfInstance(prototype: object, name: string): (value: object) => unknown {
  const get = getter(prototype, name);
  return (value) => {
    if (value === prototype) throw new TypeError("it is the prototype");
    return get(value);
  };
}

const PLAIN: ClassInfo = { kind: "object" };
const VIEW_CLASS: ClassInfo = { kind: "view" };
const PROMISE: ClassInfo = { kind: "refused", refusal: "a Promise; promises cannot be sent" };

/** The parent of the constructors of all typed arrays. */
const TypedArray: unknown = Object.getPrototypeOf(Uint8Array);

const known = new WeakMap<object, ClassInfo>();

/** How the codec treats `value`, whose prototype is `prototype`. */
export function kindOf(value: object, prototype: object | null): Kind {
  const info = prototype === null ? PLAIN : classInfo(prototype);
  if (info.refusal !== undefined) return "refused";
  if (Array.isArray(value)) return "array";
  if (ArrayBuffer.isView(value)) return "view";
  if (info === VIEW_CLASS) return "object";
  if (info.probe !== undefined) {
    try {
      info.probe(value);
    } catch {
      // It only inherits from that prototype: a plain object, as for structuredClone().
      return "object";
    }
  }
  return info.kind;
}

/** `a Secret, a class with private state; it cannot be sent`, or `undefined` if it can be sent. */
export function refusalOf(value: unknown): string | undefined {
  if (typeof value === "function") return "a function; functions cannot be sent";
  if (typeof value === "symbol") return "a symbol; symbols cannot be sent";
  if (typeof value !== "object" || value === null) return undefined;
  const prototype: object | null = Object.getPrototypeOf(value);
  const refusal = prototype === null ? undefined : classInfo(prototype).refusal;
  if (refusal !== undefined) return refusal;
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (buffer instanceof SharedArrayBuffer) {
    return "backed by a SharedArrayBuffer; shared memory cannot be sent";
  }
  if (buffer instanceof ArrayBuffer && kindOf(buffer, ArrayBuffer.prototype) === "buffer") {
    if (buffer.detached) return "detached; a buffer that was transferred cannot be sent";
  }
  return undefined;
}

function classInfo(prototype: object): ClassInfo {
  let info = known.get(prototype);
  if (info === undefined) known.set(prototype, info = inspect(prototype));
  return info;
}

function inspect(prototype: object): ClassInfo {
  if (prototype === Object.prototype || prototype === Array.prototype) return PLAIN;
  const builtIn = BUILT_IN.get(prototype);
  if (builtIn !== undefined) return builtIn;
  const next: object | null = Object.getPrototypeOf(prototype);
  const inherited = next === null ? PLAIN : classInfo(next);
  // An error loses what its class added anyway, so private state is not a reason to refuse it.
  if (inherited.kind === "error" || inherited.kind === "dom") return inherited;
  const tag = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
  if (tag === "Generator" || tag === "AsyncGenerator") return refused(`${article(tag)}, which`);
  const own = Object.hasOwn(prototype, "constructor");
  const constructor: unknown = own ? prototype.constructor : undefined;
  // No class of its own, as with Object.create(parent) or the `prototype` of a generator function.
  if (typeof constructor !== "function") {
    return inherited.refusal === ITERATOR && typeof tag === "string"
      ? refused(`${article(tag)}, which`)
      : inherited;
  }
  return inspectClass(constructor, inherited);
}

/** The refusal that every built-in iterator inherits. */
const ITERATOR = "an Iterator, which cannot be sent";

function inspectClass(constructor: { name: string }, inherited: ClassInfo): ClassInfo {
  // Not in the table: looking them up takes longer than most programs use them.
  if (constructor === globalThis.Blob || constructor === globalThis.File) {
    return { kind: "blob", probe: getter(Blob.prototype, "size") };
  }
  if (constructor === WebAssembly.Module) {
    return {
      kind: "refused",
      refusal:
        "a WebAssembly.Module, which cannot be sent: send the bytes that it was compiled from, and compile them there",
    };
  }
  if (constructor === Promise || inherited === PROMISE) return PROMISE;
  if (constructor === TypedArray || constructor === DataView) return VIEW_CLASS;
  const name = String(constructor.name);
  const source = Function.prototype.toString.call(constructor);
  if (source.endsWith("{ [native code] }")) {
    // `Object` of another realm counts as ours.
    if (inherited === VIEW_CLASS || name === "Object") return inherited;
    return refused(`${article(name)}, which`);
  }
  if (declaresPrivate(source)) {
    return refused(`${article(name || "anonymous object")}, a class with private state; it`);
  }
  // Classes of the platform that are written in JavaScript, such as ReadableStream, hide their state
  // behind symbols. A program's own globals are enumerable, unlike these.
  const global = Object.getOwnPropertyDescriptor(globalThis, name);
  if (
    global?.enumerable === false && (globalThis as Record<string, unknown>)[name] === constructor
  ) return refused(`${article(name)}, which`);
  return inherited;
}

function refused(what: string): ClassInfo {
  return { kind: "refused", refusal: `${what} cannot be sent` };
}

function article(name: string): string {
  return /^[AEIOaeio]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** The text before a `/` that begins a regular expression rather than a division. */
const BEFORE_REGEXP = /(?:^|[-+*%&|^~!?:;,=<>([{}]|\b(?:return|typeof|case|in|of|do|else|void) ?)$/;

/** Strings, templates without a placeholder, and comments. */
const OPAQUE = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/.*|\/\*[^]*?\*\//y;

const REGEXP = /\/(?:[^[\\/\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;

/** A piece of a template: up to its end, or to the `${` of its next placeholder. */
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;

/**
 * Whether `source`, the text of a class, declares a private member: a `#name` at the top level of the
 * class's body. Strings, comments, templates and regular expressions are skipped, and so
 * are nested classes. Text that it cannot parse counts as having none.
 */
export function declaresPrivate(source: string): boolean {
  if (!source.startsWith("class") || !source.includes("#")) return false;
  // The open braces, brackets and parentheses; "`" for a placeholder of a template.
  const open: string[] = [];
  let code = "";
  for (let at = 0; at < source.length;) {
    const character = source[at] as string;
    const skipped = match(OPAQUE, source, at) ??
      (character === "/" && BEFORE_REGEXP.test(code) ? match(REGEXP, source, at) : undefined);
    if (skipped !== undefined) {
      at += skipped.length;
      if (!skipped.startsWith("/*") && !skipped.startsWith("//")) code = "x";
      continue;
    }
    at++;
    if (character === "`" || (character === "}" && open.at(-1) === "`")) {
      if (character === "}") open.pop();
      const piece = match(TEMPLATE, source, at);
      if (piece === undefined) return false;
      at += piece.length;
      if (piece.endsWith("{")) open.push("`");
      code = piece.endsWith("{") ? "(" : "x";
      continue;
    }
    if (character === "{" || character === "(" || character === "[") open.push(character);
    else if (character === "}" || character === ")" || character === "]") open.pop();
    // Not `other.#name`, which is declared by a class around this one.
    else if (character === "#" && open.length === 1 && open[0] === "{" && !/[.\w$]$/.test(code)) {
      return true;
    }
    if (character.trim() !== "") code = (code + character).slice(-8);
    else if (/\w$/.test(code)) code += " ";
  }
  return false;
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}
