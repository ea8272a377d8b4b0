/** The functions that `spawn` may start, by name, so that a process finds the requested one. */

import { SpawnError } from "../core/errors.ts";
import type { Pid } from "../core/pid.ts";

/**
 * A function that a new process can run. It is called with the Pid of the process that spawned it, and with
 * a copy of the argument. The process ends when it returns, or when the promise it returned settles.
 *
 * `SpawnFunction<Job>` is a function that takes a `Job`; without a type argument, it takes any argument.
 */
// Only `any` allows functions with different arguments in one record and keeps the types for `spawn`, which
// checks the argument with them.
// deno-lint-ignore no-explicit-any -- any function
export type SpawnFunction<A = any> = (parent: Pid, arg: A) => unknown | Promise<unknown>;

/**
 * What would end a line, or change how the rest of it is shown: control characters, separators of lines and
 * paragraphs, marks of the writing direction. As ranges, since classes such as `\p{Cc}` take 0.2 ms at the
 * start of each process.
 */
// deno-lint-ignore no-control-regex -- control characters are what is refused
const UNFIT_FOR_NAME = /[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

/** Whether a name can be shown to people within a line. */
export function isShowable(name: string): boolean {
  return !UNFIT_FOR_NAME.test(name) && name.isWellFormed();
}

/** Functions and their names. One name is one function; one function may have several names. */
export class Registry {
  #functions = new Map<string, SpawnFunction>();
  #names = new Map<SpawnFunction, string>();

  /**
   * Registers `fn` as `name`; may be repeated for the same function.
   *
   * @throws {TypeError} If `name` is not a non-empty string, or `fn` is not a function.
   * @throws {Error} If the name is taken by another function.
   */
  add(name: string, fn: SpawnFunction): void {
    if (typeof name !== "string" || name === "") {
      throw new TypeError(
        `Cannot register a function as ${show(name)}: a name is a non-empty string`,
      );
    }
    if (!isShowable(name)) {
      throw new TypeError(`Cannot register ${show(name)}: the name contains a control character`);
    }
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot register ${show(name)}: it is ${show(fn)}, not a function`);
    }
    const known = this.#functions.get(name);
    if (known !== undefined && known !== fn) {
      throw new Error(
        `Cannot register two functions as ${show(name)}: ` +
          `use a different name for each, such as "package/function"`,
      );
    }
    this.#functions.set(name, fn);
    if (!this.#names.has(fn)) this.#names.set(fn, name);
  }

  /** The function that was registered as `name`. */
  find(name: string): SpawnFunction | undefined {
    return this.#functions.get(name);
  }

  /**
   * The name that `fn` was first registered with.
   *
   * @throws {TypeError} If `fn` is not a function.
   * @throws {SpawnError} `unregistered`.
   */
  nameOf(fn: SpawnFunction): string {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot spawn ${show(fn)}: it is not a function`);
    }
    const name = this.#names.get(fn);
    if (name !== undefined) return name;
    const shown = fn.name === "" ? "an anonymous function" : `${fn.name}()`;
    const key = /^[A-Za-z_$][\w$]*$/.test(fn.name) ? fn.name : "work";
    throw new SpawnError(
      "unregistered",
      `Cannot spawn ${shown}: it is not registered; name it in init({ functions: { ${key} } }), or ` +
        `register it at module scope with spawnable("package/${key}", ${key})`,
    );
  }
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** The functions of this process. */
export const registry: Registry = new Registry();

/**
 * Registers a function of a library, so that `spawn` can start it without being named in `init`.
 *
 * It is called at module scope, so that it has happened in every process of the program before
 * `init()` looks for the function. By convention the name is `package/function`: it must be unique in
 * the program.
 *
 * @returns `fn` itself.
 * @throws {TypeError} If `name` is not a non-empty string, or `fn` is not a function.
 * @throws {Error} If the name was registered for another function, here or by `init`.
 *
 * @example
 * ```ts
 * import { type Pid, spawnable } from "deploy";
 *
 * export const greet = spawnable("greetings/greet", (_parent: Pid, name: string) => {
 *   console.log(`Hello ${name}!`);
 * });
 * ```
 */
export function spawnable<F extends SpawnFunction>(name: string, fn: F): F {
  registry.add(name, fn);
  return fn;
}
