/** Accepts channels from processes that need not be known in advance. */

import { atCaller, callSite, ChannelError, errorAt, type Operation } from "../core/errors.ts";
import { checkName, hub } from "./channel_end.ts";
import type { Hub } from "./hub.ts";
import { Receiver } from "./receiver.ts";
import { attempt, type Outcome, type Selectable, subscribe } from "./select.ts";

/**
 * Accepts channels of one name from any process of the program that opens one to this process, as a server
 * does from its clients.
 *
 * It gives each channel of its name for which this process has made no {@linkcode Receiver}, once, in the
 * order in which they came; also those that came before it was made. `remote` of the Receiver is the
 * sending process. A channel arrives as soon as its Sender is made. If its process ends at once, a channel
 * that was neither used nor closed may never arrive.
 *
 * An Acceptor that is open keeps its process alive only while an operation on it is pending. Iterating
 * over it ends when it is closed.
 *
 * @typeParam T What the channels carry.
 *
 * @example
 * ```ts
 * import { Acceptor, type Receiver } from "deploy";
 *
 * export async function server(): Promise<void> {
 *   await using acceptor = new Acceptor<string>("questions");
 *   const serve = async (questions: Receiver<string>) => {
 *     for await (const question of questions) console.log(question);
 *   };
 *   for await (const questions of acceptor) serve(questions);
 * }
 * ```
 */
export class Acceptor<T> implements AsyncDisposable, AsyncIterable<Receiver<T>> {
  /** The name of the channels that it gives; `""` by default. */
  readonly name: string;
  readonly #hub: Hub;
  #closed = false;

  /**
   * Begins to accept. Returns at once.
   *
   * @throws {TypeError} If `name` is not a string.
   * @throws {RangeError} If `name` has more than 255 bytes in UTF-8.
   * @throws {Error} If this process has an open Acceptor of that name already, or `init()` was not
   * awaited.
   */
  constructor(name: string = "") {
    this.#hub = hub("create an Acceptor", Acceptor);
    checkName("Acceptor", name, Acceptor);
    this.name = name;
    if (!this.#hub.unclaimed.open(name)) {
      const shown = JSON.stringify(name);
      throw atCaller(
        new Error(`Cannot create an Acceptor: one named ${shown} already exists; close() it first`),
        Acceptor,
      );
    }
  }

  /**
   * Resolves with the Receiver of the next channel; waits for it if there is none. Concurrent calls are
   * served in the order in which they were made. The caller closes the Receiver.
   *
   * @param options.signal Rejects with its reason when it is aborted while the call waits. No channel
   * is lost: one that comes at the same moment goes to the next call.
   * @throws {ChannelError} `closed`, with this process's own Pid as `remote`, once it was closed.
   */
  accept(options?: { signal?: AbortSignal }): Promise<Receiver<T>> {
    return this.#accept(options?.signal, Acceptor.prototype.accept);
  }

  /** @param operation The function that the program called, for the stack of the error. */
  #accept(signal: AbortSignal | undefined, operation: Operation): Promise<Receiver<T>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const ready = this.#attempt();
    if (ready !== undefined) {
      if ("value" in ready) return Promise.resolve(ready.value);
      return Promise.reject(atCaller(ready.error, operation));
    }
    const site = callSite(operation);
    return new Promise((resolve, reject) => {
      const { hold, unclaimed } = this.#hub;
      hold.acquire();
      const wake = () => {
        hold.release();
        signal?.removeEventListener("abort", abort);
        const outcome = this.#attempt()!;
        if ("value" in outcome) resolve(outcome.value);
        else reject(errorAt(site, outcome.error));
      };
      const leave = unclaimed.wait(this.name, { kind: "accept", wake });
      const abort = () => {
        leave();
        hold.release();
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * The Receiver of the next channel, if one has come; `undefined` if none has.
   *
   * @throws {ChannelError} As {@linkcode accept}.
   */
  tryAccept(): Receiver<T> | undefined {
    const outcome = this.#attempt();
    if (outcome === undefined) return undefined;
    if ("value" in outcome) return outcome.value;
    throw atCaller(outcome.error, Acceptor.prototype.tryAccept);
  }

  /** An accept as an operation of {@linkcode select}: possible when a channel has come. */
  selectableAccept(): Selectable<Receiver<T>> {
    return {
      [attempt]: () => this.#attempt(),
      [subscribe]: (wake) => this.#hub.unclaimed.wait(this.name, { kind: "select", wake }),
    };
  }

  /** The Receivers, one after the other. Leaving the loop early does not close the Acceptor. */
  [Symbol.asyncIterator](): AsyncIterator<Receiver<T>, undefined> {
    const next = (): Promise<IteratorResult<Receiver<T>, undefined>> => this.#next(next);
    return { next };
  }

  /**
   * Stops accepting: calls that wait reject with `closed`. Receivers that it returned stay open, and other
   * channels wait for a Receiver, or for another Acceptor. Closing twice has no further effect.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#hub.unclaimed.close(this.name);
    }
    return Promise.resolve();
  }

  /** Stops accepting, as {@linkcode close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(operation: Operation): Promise<IteratorResult<Receiver<T>, undefined>> {
    try {
      return { done: false, value: await this.#accept(undefined, operation) };
    } catch (error) {
      if (this.#closed) return { done: true, value: undefined };
      throw error;
    }
  }

  #attempt():
    | Outcome<Receiver<T>> & ({ value: Receiver<T> } | { error: ChannelError })
    | undefined {
    if (this.#closed) {
      const message = "Cannot accept a channel: this Acceptor was closed";
      return { error: new ChannelError("closed", this.#hub.pid, message) };
    }
    const arrival = this.#hub.unclaimed.first(this.name);
    return arrival && { value: new Receiver<T>(arrival, this.#hub) };
  }
}
