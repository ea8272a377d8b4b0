/** The receiving end of a channel. */

import {
  atCaller,
  CallSites,
  ChannelError,
  errorAt,
  type Operation,
  settledAt,
} from "../core/errors.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { checkName, checkRemote, describeEnd, hub } from "./channel_end.ts";
import { abortedError, closedError } from "./remote_end.ts";
import type { Hub } from "./hub.ts";
import type { InChannel } from "./in_channel.ts";
import type { Peer } from "./peer.ts";
import { attempt, type Selectable, subscribe } from "./select.ts";
import { Arrival } from "./unclaimed.ts";

/**
 * The receiving end of a channel from another process. See {@linkcode Sender} for what a channel is.
 *
 * An open Receiver without a pending operation does not keep its process alive. Iterating over a Receiver,
 * or reading its stream, ends when the channel has ended in order (`closed` or `exited`), and throws when
 * something may be missing (`failed`, `aborted` or `lost`): a reader can always tell a whole stream from a
 * cut one. Values that arrived earlier are always received first.
 *
 * @typeParam T What is received.
 *
 * @example
 * ```ts
 * import { type Pid, Receiver } from "deploy";
 *
 * export async function sum(parent: Pid): Promise<void> {
 *   await using receiver = new Receiver<number>(parent);
 *   let total = 0;
 *   for await (const value of receiver) total += value;
 *   console.log(total);
 * }
 * ```
 */
export class Receiver<T> implements AsyncDisposable, AsyncIterable<T> {
  /** The process that sends. */
  readonly remote: Pid;
  /** Which of the channels from that process it is; `""` by default. */
  readonly name: string;
  readonly #hub: Hub;
  readonly #peer: Peer;
  readonly #channel: InChannel;
  #closed = false;
  #readable: ReadableStream<T> | undefined;
  readonly #sites = new CallSites();

  /**
   * Opens the receiving end. Returns at once, before any I/O.
   *
   * @throws {TypeError} If `remote` is not a Pid, or is this process's own.
   * @throws {RangeError} If `name` has more than 255 bytes in UTF-8.
   * @throws {Error} If this process has an open Receiver of that name from it already, or `init()` was
   * not awaited.
   */
  constructor(remote: Pid, name?: string);
  /**
   * For the Acceptor, which is given the channel.
   *
   * @ignore
   */
  constructor(arrival: Arrival<Peer>, hub: Hub);
  constructor(from: Pid | Arrival<Peer>, name: string | Hub = "") {
    if (from instanceof Arrival) {
      this.#hub = name as Hub;
      this.remote = from.peer.remote;
      this.name = from.channel.name;
      this.#peer = from.peer;
      this.#channel = this.#peer.receiving.claim(from);
    } else {
      this.#hub = hub("create a Receiver", Receiver);
      checkRemote("Receiver", from, this.#hub.pid, Receiver);
      checkName("Receiver", name, Receiver);
      this.remote = from;
      this.name = name;
      this.#peer = this.#hub.peer(from);
      if (this.#peer.receiving.has(name)) {
        throw atCaller(
          new Error(
            `Cannot create a Receiver to ${shortPid(from)}: ${describeEnd("Receiver", name)} ` +
              `already exists; close() it first`,
          ),
          Receiver,
        );
      }
      this.#channel = this.#peer.receiving.receive(name);
    }
    this.#peer.openEnd();
  }

  /**
   * Resolves with the next value; waits for it if there is none. Concurrent calls are served in the order
   * in which they were made.
   *
   * @param options.signal Rejects with its reason when it is aborted while the call waits. No value
   * is lost: one that comes at the same moment goes to the next call.
   * @throws {ChannelError} After all values: `closed` if either end was closed; `aborted` if the Sender
   * was; `exited` if the remote process ended with success, `failed` if it ended by itself without, and
   * `lost` if a signal or its node ended it, or its node or the network went away.
   */
  recv(options?: { signal?: AbortSignal }): Promise<T> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    // While others wait there is nothing to take: the next values are theirs.
    const ready = this.#attempt();
    if (ready === undefined) {
      return settledAt(this.#wait(signal), this.#sites.take(Receiver.prototype.recv), signal);
    }
    if ("value" in ready) return Promise.resolve(ready.value);
    return Promise.reject(atCaller(ready.error, Receiver.prototype.recv));
  }

  /** Waits for the next value, or for an error, whose stack means nothing. */
  #wait(signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const { hold } = this.#hub;
      hold.acquire();
      const wake = () => {
        hold.release();
        signal?.removeEventListener("abort", abort);
        const outcome = this.#attempt()!;
        if ("value" in outcome) resolve(outcome.value);
        else reject(outcome.error);
      };
      const leave = this.#channel.wait({ kind: "recv", wake });
      const abort = () => {
        leave();
        hold.release();
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * The next value, if one has arrived; `undefined` if none has.
   *
   * @throws {ChannelError} As {@linkcode recv}, when no more values can come.
   */
  tryRecv(): { value: T } | undefined {
    const outcome = this.#attempt();
    if (outcome === undefined || "value" in outcome) return outcome;
    throw atCaller(outcome.error, Receiver.prototype.tryRecv);
  }

  /** A receive as an operation of {@linkcode select}: possible when a value has arrived. */
  selectableRecv(): Selectable<T> {
    return {
      [attempt]: () => this.#attempt(),
      [subscribe]: (wake) => this.#channel.wait({ kind: "select", wake }),
    };
  }

  /**
   * This Receiver as a stream, which reads values on demand. It ends when the channel has ended in order,
   * and fails if something may be missing. Cancelling it closes the Receiver.
   */
  get readable(): ReadableStream<T> {
    const pull = async (controller: ReadableStreamDefaultController<T>): Promise<void> => {
      const next = await this.#next(pull);
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    };
    this.#readable ??= new ReadableStream<T>({ pull, cancel: () => this.close() }, {
      highWaterMark: 0,
    });
    return this.#readable;
  }

  /** The values, one after the other. Leaving the loop early does not close the Receiver. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    const next = (): Promise<IteratorResult<T, undefined>> => this.#next(next);
    return { next };
  }

  /**
   * Closes this end: unreceived values are dropped, waiting calls reject with `closed`, and so do the sends
   * of the other side. After the call, another Receiver to the same Pid and name may be made. Closing twice
   * has no further effect.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#peer.receiving.close(this.#channel);
      this.#peer.closeEnd();
    }
    return Promise.resolve();
  }

  /** Closes this end, as {@linkcode close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @param operation What is called for the next value. */
  async #next(operation: Operation): Promise<IteratorResult<T, undefined>> {
    const ready = this.#attempt();
    if (ready !== undefined && "value" in ready) return { done: false, value: ready.value };
    if (ready !== undefined) return endOf(atCaller(ready.error, operation));
    const site = this.#sites.take(operation);
    try {
      return { done: false, value: await this.#wait(undefined) };
    } catch (cause) {
      const error = cause as Error;
      // Where there is no call site, this is what the program awaits.
      return endOf(site === undefined ? atCaller(error, this.#next) : errorAt(site, error));
    }
  }

  /** Receives without waiting: a value, or the error that says why none comes. */
  #attempt(): { value: T } | { error: Error } | undefined {
    if (this.#closed) return { error: closedError(ACTION, this.remote, "this Receiver") };
    switch (this.#channel.next()) {
      case "value":
        try {
          return { value: this.#peer.take(this.#channel) as T };
        } catch (error) {
          return { error: error as Error };
        }
      case "end":
        return { error: this.#endError() };
      case "nothing":
        return this.#peer.gone ? { error: this.#peer.endError(ACTION) } : undefined;
    }
  }

  /** The sender has ended the channel. */
  #endError(): ChannelError {
    const end = this.#channel.end!;
    if (end.kind === "closed") return closedError(ACTION, this.remote, "its Sender");
    return abortedError(ACTION, this.remote, "its Sender", end.reason);
  }
}

/** The end of an iteration: in order, or by throwing `error`. */
function endOf(error: Error): IteratorReturnResult<undefined> {
  if (error instanceof ChannelError && (error.kind === "closed" || error.kind === "exited")) {
    return { done: true, value: undefined };
  }
  throw error;
}

/** The action, as error messages name it. */
const ACTION = "receive from";
