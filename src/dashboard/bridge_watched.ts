/** The runs of a bridge, for a dashboard: a viewer of it like any other. */

import type { NodeReport } from "../core/node_report.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { RunEntry } from "../core/run_entry.ts";
import { describeTarget } from "../core/run_target.ts";
import type { ProcessSample } from "../core/samples.ts";
import type { Termination } from "../core/signals.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { endOf, MessageLink } from "../net/message_link.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  type ViewerToBridge,
} from "../wire/viewer_messages.ts";
import type { Transport } from "../net/transport.ts";
import type { Told, Watched } from "./watched.ts";

/** How to reach a bridge. */
export interface BridgeAccess {
  /** Its address, for people. */
  readonly address: string;
  readonly liveness: LivenessOptions;
  /** Connects to it as a viewer. */
  dial(signal?: AbortSignal): Promise<Transport>;
  /** Who looks: `user@host`. */
  readonly user: string;
}

type ViewerLink = MessageLink<ViewerToBridge, BridgeToViewer>;

export class BridgeWatched implements Watched, Disposable {
  readonly title: string;
  readonly #access: BridgeAccess;
  /** One for each kind of question, so that a slow answer delays only its own kind. */
  readonly #cluster: Asker;
  readonly #samples: Asker;

  constructor(access: BridgeAccess) {
    this.title = access.address;
    this.#access = access;
    this.#cluster = new Asker(access);
    this.#samples = new Asker(access);
  }

  [Symbol.dispose](): void {
    this.#cluster.close();
    this.#samples.close();
  }

  async runs(): Promise<readonly RunEntry[]> {
    return (await this.#cluster.ask({ type: "list", memory: false }, "runs")).runs;
  }

  async nodes(): Promise<readonly NodeReport[]> {
    return (await this.#cluster.ask({ type: "nodes" }, "nodes")).nodes;
  }

  async samples(run: string): Promise<readonly ProcessSample[]> {
    return (await this.#samples.ask({ type: "samples", run }, "samples")).processes;
  }

  async kill(run: string, pid: Pid | null, how: Termination): Promise<string> {
    const { signal, graceMs } = how;
    // The whole Pid, so that no other process is meant.
    const request = {
      type: "kill",
      run: pid ?? run,
      by: this.#access.user,
      signal,
      graceMs,
    } as const;
    const told = await this.#cluster.ask(request, "told");
    if (pid !== null && told.process?.pid !== pid) throw new Error(`no process ${shortPid(pid)}`);
    return `told ${describeTarget(told.run, told.process)} to stop`;
  }

  async *events(run: string, signal: AbortSignal): AsyncGenerator<Told> {
    const link = await openLink(this.#access, signal);
    const drop = () => link.drop();
    signal.addEventListener("abort", drop);
    try {
      // These are all kept, of a log only the last ones.
      void link.send({ type: "processes", run });
      let isWhole = false;
      for await (const message of link.messages()) {
        switch (message.type) {
          case "refused":
            throw new Error(message.why);
          case "event":
            yield message.event;
            break;
          case "viewing":
            if (isWhole && message.missing > 0) yield missing(message.missing);
            break;
          case "missing":
            yield missing(message.events);
            break;
          case "over":
            if (isWhole) return;
            isWhole = true;
            void link.send({ type: "view", run, follow: true, from: 0 });
        }
      }
      if (!signal.aborted) throw new Error(endOf(`bridge ${this.title}`, await link.ended));
    } finally {
      signal.removeEventListener("abort", drop);
      link.drop();
    }
  }
}

function missing(events: number): Told {
  return { event: "missing", events };
}

async function openLink(access: BridgeAccess, signal?: AbortSignal): Promise<ViewerLink> {
  const conn = await access.dial(signal);
  const { liveness } = access;
  return new MessageLink(conn, { schema: BRIDGE_TO_VIEWER, liveness });
}

type AnswerType = "runs" | "nodes" | "samples" | "told";

/** Asks one question after the other, on one connection, which is made again when it has ended. */
class Asker {
  readonly #access: BridgeAccess;
  #open: Promise<{ link: ViewerLink; answers: AsyncGenerator<BridgeToViewer> }> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(access: BridgeAccess) {
    this.#access = access;
  }

  /** @throws {Error} If the bridge refuses, or cannot be reached. */
  ask<Type extends AnswerType>(
    request: ViewerToBridge,
    type: Type,
  ): Promise<Extract<BridgeToViewer, { type: Type }>> {
    const asked = this.#last.then(() => this.#ask(request, type));
    this.#last = asked.catch(() => {});
    return asked;
  }

  close(): void {
    void this.#open?.then(({ link }) => link.drop(), () => {});
  }

  async #ask<Type extends AnswerType>(
    request: ViewerToBridge,
    type: Type,
  ): Promise<Extract<BridgeToViewer, { type: Type }>> {
    this.#open ??= openLink(this.#access).then((link) => ({ link, answers: link.messages() }));
    try {
      const { link, answers } = await this.#open;
      void link.send(request);
      const { value } = await answers.next();
      if (value === undefined) {
        throw new Error(endOf(`bridge ${this.#access.address}`, await link.ended));
      }
      if (value.type === "refused") throw new RefusedError(value.why);
      if (!isOfType(value, type)) throw new Error(`the bridge answers ${value.type}, not ${type}`);
      return value;
    } catch (error) {
      if (!(error instanceof RefusedError)) {
        this.close();
        this.#open = undefined;
      }
      throw error;
    }
  }
}

/** The bridge cannot meet a request; its connection goes on. */
class RefusedError extends Error {}

function isOfType<Type extends AnswerType>(
  message: BridgeToViewer,
  type: Type,
): message is Extract<BridgeToViewer, { type: Type }> {
  return message.type === type;
}
