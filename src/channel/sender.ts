/** The end of a channel that values are put into. */

import { ChannelError } from "../core/errors.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { checkRemote } from "./channel_end.ts";
import { hub } from "./current.ts";
import type { Hub } from "./hub.ts";
import type { Peer } from "./peer.ts";
import { attempt, type Outcome, type Selectable, subscribe } from "./selectable.ts";

/** The peers to which this process holds an open Sender. */
const open = new WeakSet<Peer>();

/**
 * The sending end of a channel to another process.
 *
 * A channel is one-way, typed, ordered and reliable. Its two ends are made on their own, each in its
 * process, in any order and at any time: what is sent before there is a {@linkcode Receiver} waits
 * for it. The first Sender that a process makes to another one belongs to the first Receiver that
 * is made there for it, the second to the second, and so on.
 *
 * A Sender that is open, but has nothing on its way, does not keep its process alive.
 *
 * @typeParam T What is sent: anything that the structured clone algorithm takes.
 *
 * @example
 * ```ts
 * import { type Pid, Sender } from "deploy";
 *
 * export async function worker(parent: Pid, job: number): Promise<void> {
 *   await using sender = new Sender<number>(parent);
 *   await sender.send(job * 100);
 * }
 * ```
 */
export class Sender<T> implements AsyncDisposable {
  /** The process that receives. */
  readonly remote: Pid;
  readonly #hub: Hub;
  readonly #peer: Peer;
  readonly #channel: number;
  #closed = false;
  #acknowledged: Promise<void> | undefined;
  #writable: WritableStream<T> | undefined;

  /**
   * Opens the sending end. Returns at once, before any I/O.
   *
   * @throws {TypeError} If `remote` is no Pid, or this process's own.
   * @throws {Error} If this process has an open Sender to it already, or `init()` was not awaited.
   */
  constructor(remote: Pid) {
    this.#hub = hub("create a Sender");
    checkRemote("Sender", remote, this.#hub.pid);
    this.remote = remote;
    this.#peer = this.#hub.peer(remote);
    if (open.has(this.#peer)) {
      throw new Error(
        `Cannot create a Sender to ${shortPid(remote)}: a Sender to this pid already exists; ` +
          `close() it first`,
      );
    }
    open.add(this.#peer);
    this.#channel = this.#peer.sending.open();
    this.#peer.openEnd();
  }

  /**
   * Sends a copy of `value`.
   *
   * Resolves when the value has been taken into the channel's window, in order; while the window
   * (1 MiB) is full it waits, so a slow reader slows its writer. The copy is made before `send`
   * returns: changing the value afterwards changes nothing. Sends that are not awaited keep their
   * order, and all that were taken are delivered, also if this process ends right away.
   *
   * @param options.signal Rejects with its reason when it is aborted while the send waits; the value
   * is not sent then.
   * @throws {TypeError} If `value` cannot be copied; the message names the part that cannot.
   * @throws {ChannelError} `closed` if either end was closed, `exited` or `lost` if the remote
   * process is known to be gone.
   */
  send(value: T, options?: { signal?: AbortSignal }): Promise<void> {
    const signal = options?.signal;
    try {
      signal?.throwIfAborted();
      const failure = this.#failure();
      if (failure !== undefined) throw failure;
      if (signal === undefined) return this.#peer.sending.send(this.#channel, value);
      return this.#sendWith(signal, value);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends a copy of `value` if that needs no waiting; tells whether it did.
   *
   * @throws {TypeError} As {@linkcode send}.
   * @throws {ChannelError} As {@linkcode send}.
   */
  trySend(value: T): boolean {
    const failure = this.#failure();
    if (failure !== undefined) throw failure;
    if (!this.#peer.sending.room) return false;
    // A value larger than the window goes on its way now, and fails with the channel if it does.
    this.#peer.sending.send(this.#channel, value).catch(() => {});
    return true;
  }

  /**
   * A send as an operation of {@linkcode select}: possible while the window has room.
   *
   * @param make Makes the value; it is called only when the operation is chosen.
   */
  selectableSend(make: () => T): Selectable<void> {
    return {
      [attempt]: (): Outcome<void> | undefined => {
        const failure = this.#failure();
        if (failure !== undefined) return { error: failure };
        if (!this.#peer.sending.room) return undefined;
        this.#peer.sending.send(this.#channel, make()).catch(() => {});
        return { value: undefined };
      },
      [subscribe]: (wake) => {
        const place = this.#peer.sending.offer(this.#channel, wake);
        return () => place.leave();
      },
    };
  }

  /**
   * This Sender as a stream: each chunk is sent, with backpressure. Closing the stream closes the
   * Sender, and so does aborting it; a chunk that waits for room then is not sent.
   */
  get writable(): WritableStream<T> {
    this.#writable ??= new WritableStream<T>({
      write: (chunk, { signal }) => this.send(chunk, { signal }),
      close: () => this.close(),
      abort: () => this.close(),
    }, { highWaterMark: 1 });
    return this.#writable;
  }

  /**
   * Closes this end: the receiver gets `closed` after all values.
   *
   * Resolves when every value that was sent is acknowledged, that is, has arrived in the receiving
   * process; or when the remote process is gone, since nothing can be delivered to it any more.
   * After the call, another Sender to the same Pid may be made. Closing twice is closing once.
   */
  close(): Promise<void> {
    return this.#acknowledged ??= this.#close();
  }

  /** Closes this end, as {@linkcode close} does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { hold } = this.#hub;
    this.#closed = true;
    open.delete(this.#peer);
    hold.acquire();
    try {
      await this.#peer.endChannel(this.#channel);
    } finally {
      this.#peer.closeEnd();
      hold.release();
    }
  }

  #failure(): Error | undefined {
    if (this.#closed) {
      return new ChannelError(
        "closed",
        this.remote,
        `Cannot send to ${shortPid(this.remote)}: this Sender was closed`,
      );
    }
    const { sending } = this.#peer;
    return sending.stopped(this.#channel) ? this.#peer.stoppedError() : sending.failure();
  }

  /** Sends with a way out while the value waits. */
  #sendWith(signal: AbortSignal, value: T): Promise<void> {
    return new Promise((resolve, reject) => {
      let leave = () => false;
      const abort = () => {
        // It may have got its room at the same moment, and be on its way.
        if (leave()) reject(signal.reason);
      };
      this.#peer.sending
        .send(this.#channel, value, (place) => {
          leave = () => place.leave();
          signal.addEventListener("abort", abort, { once: true });
        })
        .finally(() => signal.removeEventListener("abort", abort))
        .then(resolve, reject);
    });
  }
}
