/** A bridge's link to its master: questions and answers, and news of runs. */

import { SpawnError } from "../core/errors.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import { RecceError } from "../host/recce.ts";
import {
  type BridgeToMaster,
  type LostProcess,
  MASTER_TO_BRIDGE,
  type MasterToBridge,
} from "../wire/bridge_messages.ts";
import { type LinkConnection, MessageLink } from "../net/message_link.ts";

/** After so long without a word from the master, the bridge ends, to be started anew. */
const SILENCE_MS = 8_000;

/** What is told of a run. */
export interface RunNews {
  lost(process: LostProcess, why: string): void;
  /** No process of it is left; so many there have been. */
  ended(processes: number): void;
}

/** Where a process would be placed. */
export interface Fit {
  readonly node: string | null;
  readonly message: string;
}

type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;
type Answer = Exclude<Extract<MasterToBridge, { request: number }>, { type: "waits" }>;

export class MasterClient {
  /** Resolves with the reason, for a person, when the link has ended. */
  readonly ended: Promise<Error>;
  readonly #link: MessageLink<BridgeToMaster, MasterToBridge>;
  readonly #answers = new Map<number, (answer: Answer | Error) => void>();
  /** For each question, who is to be told if what it is about waits. */
  readonly #waits = new Map<number, () => void>();
  readonly #runs = new Map<string, RunNews>();
  #requests = 0;

  constructor(conn: LinkConnection) {
    this.#link = new MessageLink(conn, { schema: MASTER_TO_BRIDGE, silenceMs: SILENCE_MS });
    this.ended = this.#link.ended;
    void this.#read();
  }

  /** Tells where the bridge listens, for nodes. It comes before anything else. */
  announce(address: string): void {
    void this.#link.send({ type: "bridge", address });
  }

  /** A run begins, and `news` are told of it until it is over. */
  open(run: string, key: Uint8Array<ArrayBuffer>, spec: string, news: RunNews): void {
    this.#runs.set(run, news);
    void this.#link.send({ type: "open", run, key, spec });
  }

  /**
   * Has the first process of a run, which is probably of that size, booted where it would be placed; gives
   * what it says that it needs. Calls `onWait` if there is no node.
   *
   * @throws {RecceError} If it does not say so.
   * @throws {SpawnError} If it cannot be tried.
   */
  async try(run: string, { mem, cpu }: Resources, onWait: () => void): Promise<Resources> {
    const answer = await this.#ask({ type: "try", run, mem, cpu }, onWait);
    if (answer.type === "needs") return answer;
    if (answer.type !== "unfit") throw new Error(`the master answered "${answer.type}"`);
    throw new RecceError(answer.why, [{ fd: 2, bytes: answer.output }]);
  }

  /**
   * Starts the first process of a run, which is called `name` where people see it, when there is room for it; calls `onWait` if there is none yet.
   *
   * @throws {SpawnError} If it could not be started.
   */
  async first(
    run: string,
    name: string,
    { mem, cpu }: Resources,
    onWait: () => void,
  ): Promise<Pid> {
    const answer = await this.#ask({ type: "first", run, name, mem, cpu }, onWait);
    if (answer.type !== "launched") throw new Error(`the master answered "${answer.type}"`);
    return answer.pid;
  }

  /** Asks where a process of that size would be placed. */
  async where({ mem, cpu }: Resources): Promise<Fit> {
    const answer = await this.#ask({ type: "where", mem, cpu });
    if (answer.type !== "fits") throw new Error(`the master answered "${answer.type}"`);
    return answer;
  }

  /** Ends every process of a run; its news tell when that is done. */
  end(run: string): void {
    void this.#link.send({ type: "end", run });
  }

  close(): void {
    this.#link.drop();
  }

  async #ask(
    question: Unnumbered<Extract<BridgeToMaster, { request: number }>>,
    onWait = (): void => {},
  ): Promise<Answer> {
    const request = this.#requests++;
    this.#waits.set(request, onWait);
    const { promise, resolve } = Promise.withResolvers<Answer | Error>();
    this.#answers.set(request, resolve);
    if (this.#link.over) resolve(await this.#link.ended);
    else void this.#link.send({ ...question, request });
    const answer = await promise.finally(() => this.#waits.delete(request));
    if (answer instanceof Error) throw new SpawnError("lost", `the master: ${answer.message}`);
    if (answer.type !== "failed") return answer;
    const { reason, message } = answer;
    throw reason === "unknown" ? new Error(message) : new SpawnError(reason, message);
  }

  async #read(): Promise<void> {
    for await (const message of this.#link.messages()) this.#take(message);
    const reason = await this.#link.ended;
    for (const resolve of this.#answers.values()) resolve(reason);
    this.#answers.clear();
  }

  #take(message: MasterToBridge): void {
    switch (message.type) {
      case "lost":
        return this.#runs.get(message.run)?.lost(message, message.why);
      case "over": {
        const news = this.#runs.get(message.run);
        this.#runs.delete(message.run);
        return news?.ended(message.processes);
      }
      case "waits":
        return this.#waits.get(message.request)?.();
      default: {
        const resolve = this.#answers.get(message.request);
        this.#answers.delete(message.request);
        return resolve?.(message);
      }
    }
  }
}
