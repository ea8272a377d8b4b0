/**
 * The inspector of this process, which a debugger attaches to.
 *
 * A process that waits for a debugger does so by stopping at a breakpoint: a session of its own sets it, so that there
 * is somebody who has asked for it, and a debugger that attaches later finds the process there. Node's
 * `waitForDebugger()` would let it go on as soon as a debugger is there, and Deno 2.6 stops inside of it.
 */

/** Nobody else reaches it. */
const LOOPBACK = "127.0.0.1";

/** Where the function is for a moment, for the inspector, which finds values by expressions. */
const FUNCTION = Symbol.for("deploy.inspected");

type Run = (arg: unknown) => unknown;

/** What an answer of the inspector has. */
interface Answer {
  readonly result: { readonly objectId?: string };
}

/** A session of this process with its own inspector. */
interface Session {
  connect(): void;
  disconnect(): void;
  post(
    method: string,
    params: object,
    answered: (error: Error | null, answer?: object) => void,
  ): void;
}

/** The parts of `node:inspector` that are used. */
interface NodeInspector {
  open(port: number, host: string): void;
  url(): string | undefined;
  readonly Session: new () => Session;
}

/** Finds the module: it takes some time to load, and an import later than at the start needs the permission to read. */
function nodeInspector(): NodeInspector {
  const process = Reflect.get(globalThis, "process") as {
    getBuiltinModule(name: string): NodeInspector;
  };
  return process.getBuiltinModule("node:inspector");
}

/** An open inspector. */
export class Inspector {
  /** Its port on loopback. */
  readonly port: number;
  readonly #session: Session;

  private constructor(port: number, session: Session) {
    this.port = port;
    this.#session = session;
  }

  /**
   * The one that Deno was started with, or, in an executable, one that is opened now, on any free port.
   *
   * @throws {Error} If this process may not, or cannot.
   */
  static open(): Inspector {
    const { open, url, Session } = nodeInspector();
    if (url() === undefined) open(0, LOOPBACK);
    return new Inspector(Number(new URL(url()!).port), new Session());
  }

  /**
   * Makes a call of `fn` stop at its first line, until a debugger lets it go on.
   *
   * @param run Calls `fn`, and nothing before it.
   * @returns What is to be called instead of `run`, once.
   */
  async breakAt(fn: unknown, run: Run): Promise<Run> {
    this.#session.connect();
    await this.#post("Debugger.enable");
    Object.defineProperty(globalThis, FUNCTION, { value: fn, configurable: true });
    const expression = `globalThis[Symbol.for(${JSON.stringify(FUNCTION.description)})]`;
    const { result } = await this.#post("Runtime.evaluate", { expression });
    Reflect.deleteProperty(globalThis, FUNCTION);
    await this.#post("Debugger.setBreakpointOnFunctionCall", { objectId: result.objectId });
    return (arg) => {
      queueMicrotask(() => this.#leave());
      return run(arg);
    };
  }

  /** Stops here until a debugger lets the process go on. */
  async break(): Promise<void> {
    this.#session.connect();
    await this.#post("Debugger.enable");
    // deno-lint-ignore no-debugger
    debugger; // Here the program waits for its debugger. Step out, to where it has called init().
    this.#leave();
  }

  /** From now on, `debugger` statements do not stop a process without a debugger. */
  #leave(): void {
    this.#session.disconnect();
  }

  #post(method: string, params: object = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, params, (error, answer) => {
        if (error === null) resolve(answer as Answer);
        else reject(error);
      });
    });
  }
}
