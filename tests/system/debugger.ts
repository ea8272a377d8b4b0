/** A debugger: a client of the inspector protocol of V8, which knows source maps. */

import { Mappings } from "../../src/build/mappings.ts";
import type { SourceMap } from "../../src/build/source_map.ts";

/** A frame of a process that has stopped. */
export interface Frame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number };
}

interface Script {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL: string;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A module as a source map names it, and where a line of it is in the code. */
export interface MappedLine {
  /** The name of the module in the map. */
  readonly source: string;
  /** Its text in the map. */
  readonly content: string | undefined;
  readonly scriptId: string;
  /** From 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

const DATA = "data:application/json;base64,";

export class Debugger implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #closed = Promise.withResolvers<void>();
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #scripts: Script[] = [];
  /** What has stopped and nobody has taken, or who waits for it. */
  readonly #stops: Frame[][] = [];
  readonly #waiting: PromiseWithResolvers<Frame[]>[] = [];
  #sent = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data as string) as Message);
    socket.onclose = () => {
      this.#closed.resolve();
      const gone = new Error("the inspector has closed the connection");
      for (const { reject } of [...this.#answers.values(), ...this.#waiting]) reject(gone);
    };
  }

  /** Attaches to the process that a line of `deploy` is about. */
  static async attach(line: string): Promise<Debugger> {
    const path = /[?]ws=([^&\s]+)/.exec(line)?.[1];
    const socket = new WebSocket(`ws://${path}`);
    const attached = new Debugger(socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error(`cannot attach to ${path}`));
    });
    await attached.send("Runtime.enable");
    await attached.send("Debugger.enable");
    return attached;
  }

  async send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#sent;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answer.promise as Record<string, unknown>;
  }

  /** The frames of the process the next time that it stops, or now; the innermost is first. */
  async stopped(): Promise<Frame[]> {
    const frames = this.#stops.shift();
    if (frames !== undefined) return frames;
    const waiting = Promise.withResolvers<Frame[]>();
    this.#waiting.push(waiting);
    return await waiting.promise;
  }

  /** The value of an expression in a frame. */
  async evaluate(frame: Frame, expression: string): Promise<unknown> {
    const { callFrameId } = frame;
    const answer = await this.send("Debugger.evaluateOnCallFrame", { callFrameId, expression });
    return (answer["result"] as { value: unknown }).value;
  }

  /** Finds a line, from 1, of the module with that file name, by the source maps of the scripts. */
  async find(file: string, line: number): Promise<MappedLine> {
    for (const { scriptId, sourceMapURL } of this.#scripts) {
      if (!sourceMapURL.startsWith(DATA)) continue;
      const bytes = Uint8Array.fromBase64(sourceMapURL.slice(DATA.length));
      const map = JSON.parse(new TextDecoder().decode(bytes)) as SourceMap;
      const source = map.sources.findIndex((name) => name.endsWith(`/${file}`));
      if (source < 0) continue;
      const { scriptSource } = await this.send("Debugger.getScriptSource", { scriptId });
      const code = scriptSource as string;
      const mappings = new Mappings({ code, map });
      for (let offset = 0; offset < code.length; offset++) {
        const origin = mappings.at(offset);
        if (origin?.source !== source || origin.line !== line - 1) continue;
        const before = code.slice(0, offset).split("\n");
        return {
          source: map.sources[source]!,
          content: map.sourcesContent?.[source] ?? undefined,
          scriptId,
          lineNumber: before.length - 1,
          columnNumber: before.at(-1)!.length,
        };
      }
    }
    throw new Error(`no script has line ${line} of ${file}`);
  }

  /** Makes the process stop there. */
  async breakAt({ scriptId, lineNumber, columnNumber }: MappedLine): Promise<void> {
    const location = { scriptId, lineNumber, columnNumber };
    await this.send("Debugger.setBreakpoint", { location });
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error === undefined) answer?.resolve(result);
      else answer?.reject(new Error(error.message));
    } else if (method === "Debugger.scriptParsed") {
      this.#scripts.push(params as Script);
    } else if (method === "Debugger.paused") {
      const { callFrames } = params as { callFrames: Frame[] };
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#stops.push(callFrames);
      else waiting.resolve(callFrames);
    }
  }

  /** Leaves the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed.promise;
  }
}
