/** The sending end of a channel. */

import { atCaller, messageOf, type Operation } from "../core/errors.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { encode } from "../codec/value_encoder.ts";
import { isRefusal } from "../codec/value_rejection.ts";
import { MAX_VALUE_BYTES } from "../wire/frame.ts";
import { checkName, checkRemote, describeEnd, hub } from "./channel_end.ts";
import { abortedError, closedError } from "./remote_end.ts";
import type { Hub } from "./hub.ts";
import type { OutChannel } from "./out_channel.ts";
import type { Peer } from "./peer.ts";
import { attempt, type Outcome, type Selectable, subscribe } from "./select.ts";

/** The length limit of a reason that is sent as text. */
const MAX_REASON_UNITS = 8 * 1024;

/**
 * The sending end of a channel to another process.
 *
 * A channel is one-way, typed, ordered and reliable. Its two ends are made independently, each in its
 * process, in any order and at any time: values sent before there is a {@linkcode Receiver} wait for it.
 *
 * Between two processes there may be any number of channels in each direction, distinguished by name. For
 * each name, the first Sender that a process makes to another one is paired with the first Receiver that is
 * made there for it, the second with the second, and so on. Each channel has its own window, 1 MiB (64 KiB
 * until there is a Receiver), and none blocks another.
 *
 * An open Sender with nothing in flight does not keep its process alive. A process need not close its
 * Senders: when it ends, everything they took is delivered first, and their readers learn how it ended.
 * This is also the safe way to end a channel: a Sender that is closed explicitly in a process that may
 * still fail tells its reader that the stream is complete.
 *
 * @typeParam T The type of the values: anything that the structured clone algorithm supports.
 *
 * @example
 * ```ts
 * import { type Pid, Sender } from "deploy";
 *
 * export async function worker(parent: Pid, job: number): Promise<void> {
 *   const results = new Sender<number>(parent);
 *   const log = new Sender<string>(parent, "log");
 *   await log.send(`job ${job} begins`);
 *   await results.send(job * 100);
 * }
 * ```
 */
export class Sender<T> implements AsyncDisposable {
  /** The process that receives. */
  readonly remote: Pid;
  /** Which of the channels to that process it is; `""` by default. */
  readonly name: string;
  readonly #hub: Hub;
  readonly #peer: Peer;
  readonly #channel: OutChannel;
  /** Makes the error for sends after this end was closed or aborted. */
  #failed: (() => Error) | undefined;
  #acknowledged: Promise<void> | undefined;
  #writable: WritableStream<T> | undefined;

  /**
   * Opens the sending end. Returns at once, before any I/O.
   *
   * @throws {TypeError} If `remote` is not a Pid, or is this process's own.
   * @throws {RangeError} If `name` has more than 255 bytes in UTF-8.
   * @throws {Error} If this process has an open Sender of that name to it already, or `init()` was not
   * awaited.
   */
  constructor(remote: Pid, name: string = "") {
    this.#hub = hub("create a Sender", Sender);
    checkRemote("Sender", remote, this.#hub.pid, Sender);
    checkName("Sender", name, Sender);
    this.remote = remote;
    this.name = name;
    this.#peer = this.#hub.peer(remote);
    if (this.#peer.sending.has(name)) {
      throw atCaller(
        new Error(
          `Cannot create a Sender to ${shortPid(remote)}: ${describeEnd("Sender", name)} already ` +
            `exists; close() it first`,
        ),
        Sender,
      );
    }
    // First, so that the other side knows that the connection is needed when the channel comes.
    this.#peer.openEnd();
    this.#channel = this.#peer.sending.open(name);
  }

  /**
   * Sends a copy of `value`.
   *
   * Resolves when the value has been taken into the channel's window, in order; while the window is full it
   * waits, so a slow reader slows its writer. The window is 1 MiB, and 64 KiB until there is a Receiver.
   * The copy is made before `send` returns: changing the value afterwards has no effect. Sends that are not
   * awaited keep their order, and all taken values are delivered, even if this process ends right away.
   *
   * A typed array takes the bytes that it covers, not its whole buffer, unless something else in the value
   * has the same buffer. A `DataView` takes its whole buffer: its place in it is visible, also when it is
   * printed, so of a large buffer send a slice, `new DataView(buffer.slice(from, to))`. A `WebAssembly.Module`
   * is refused, since its bytes cannot be had: send those that it was compiled from. The contents of a `Blob` or `File` are read first, and what is sent after it waits
   * for that: only once `send` has resolved is it sure to be delivered if this process exits.
   *
   * @param options.signal Rejects with its reason when it is aborted while the send waits; the value
   * is not sent then.
   * @throws {TypeError} If `value` cannot be copied; the message names the part that cannot.
   * @throws {Error} If a `Blob` in it can no longer be read: that error.
   * @throws {ChannelError} `closed` if either end was closed, or if the remote process holds 1,000 channels
   * from this one without a Receiver; `aborted` if this Sender was; `exited`,
   * `failed` or `lost` if the remote process is known to be gone.
   */
  send(value: T, options?: { signal?: AbortSignal }): Promise<void> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const operation = Sender.prototype.send;
    const failure = this.#failure();
    if (failure !== undefined) return Promise.reject(atCaller(failure, operation));
    try {
      if (signal === undefined) return this.#channel.send(value, undefined, operation);
      return this.#sendWith(signal, value, operation);
    } catch (error) {
      return Promise.reject(refusalAt(error, operation));
    }
  }

  /**
   * Sends a copy of `value` if that needs no waiting; returns whether it did.
   *
   * @throws {TypeError} As {@linkcode send}.
   * @throws {ChannelError} As {@linkcode send}.
   */
  trySend(value: T): boolean {
    const failure = this.#failure();
    if (failure !== undefined) throw atCaller(failure, Sender.prototype.trySend);
    if (!this.#channel.room) return false;
    try {
      this.#channel.put(value);
    } catch (error) {
      throw refusalAt(error, Sender.prototype.trySend);
    }
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
        if (!this.#channel.room) return undefined;
        this.#channel.put(make());
        return { value: undefined };
      },
      [subscribe]: (wake) => {
        const place = this.#channel.offer(wake);
        return () => place.leave();
      },
    };
  }

  /**
   * This Sender as a stream: each chunk is sent, with backpressure. Closing the stream closes the
   * Sender; aborting it aborts the Sender, and a chunk that waits for room then is not sent.
   */
  get writable(): WritableStream<T> {
    this.#writable ??= new WritableStream<T>({
      write: (chunk, { signal }) => this.send(chunk, { signal }),
      close: () => this.close(),
      abort: (reason) => this.abort(reason),
    }, { highWaterMark: 1 });
    return this.#writable;
  }

  /**
   * Closes this end: the receiver gets `closed` after all values.
   *
   * Resolves when every value that was sent is acknowledged, that is, has arrived in the receiving process;
   * or when the remote process is gone, since nothing more can be delivered to it. After the call, another
   * Sender to the same Pid and name may be made. Closing twice has no further effect.
   */
  close(): Promise<void> {
    if (this.#acknowledged === undefined) this.#acknowledged = this.#close(false);
    else this.#channel.release();
    return this.#acknowledged;
  }

  /**
   * Ends the channel at once, and tells its reader that something is missing: it gets `aborted` after the
   * values that were taken before, with a copy of `reason` as its `cause`, or the text of a reason that
   * cannot be copied. Sends that wait reject with the same error, and so do later ones. After the call,
   * another Sender to the same Pid and name may be made. Does nothing after another `abort`, or after
   * {@linkcode close} if that did not have to wait for room.
   */
  abort(reason?: unknown): void {
    const error = () => abortedError("send to", this.remote, "this Sender", reason);
    this.#failed = error;
    this.#channel.abort(encodeReason(reason), error);
    this.#acknowledged ??= this.#end(this.#peer.acknowledged());
  }

  /**
   * Closes this end, as {@linkcode close} does, but without waiting for the acknowledgement.
   *
   * If an exception is passing through the block that ends, and it ends the process in that turn of the
   * event loop, the channel is not closed: its reader gets `failed`.
   */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#acknowledged !== undefined) return this.#acknowledged;
    this.#acknowledged = this.#close(true);
    this.#hub.heldEnds.add(this.#channel);
    return Promise.resolve();
  }

  async #close(held: boolean): Promise<void> {
    this.#failed = () => closedError("send to", this.remote, "this Sender");
    const ended = this.#end(this.#peer.endChannel(this.#channel, held));
    if (held) return await ended;
    const { hold } = this.#hub;
    hold.acquire();
    try {
      await ended;
    } finally {
      hold.release();
    }
  }

  /** This end is closed; it is needed until `acknowledged`. */
  async #end(acknowledged: Promise<void>): Promise<void> {
    this.#peer.sending.close(this.#channel);
    await acknowledged;
    this.#peer.closeEnd();
  }

  #failure(): Error | undefined {
    return this.#failed === undefined ? this.#channel.failure() : this.#failed();
  }

  /** Sends with a signal that cancels a waiting value. */
  #sendWith(signal: AbortSignal, value: T, operation: Operation): Promise<void> {
    return new Promise((resolve, reject) => {
      let leave = () => false;
      const abort = () => {
        // It may have got room at the same moment, and be in flight.
        if (leave()) reject(signal.reason);
      };
      this.#channel
        .send(value, (place) => {
          leave = () => place.leave();
          signal.addEventListener("abort", abort, { once: true });
        }, operation)
        .finally(() => signal.removeEventListener("abort", abort))
        .then(resolve, reject);
    });
  }
}

/** An error of encoding; one of the program's getters has its own stack. */
function refusalAt(error: unknown, operation: Operation): unknown {
  return isRefusal(error) ? atCaller(error, operation) : error;
}

/** A reason as it goes to the reader: a copy, or its text if it cannot be copied or is too large. */
function encodeReason(reason: unknown): Uint8Array<ArrayBuffer> {
  try {
    const encoded = encode(reason);
    if (encoded.length <= MAX_VALUE_BYTES) return encoded;
  } catch {
    // It cannot be copied, or one of its getters throws: the reader is told all the same.
  }
  return encode(textOf(reason).slice(0, MAX_REASON_UNITS));
}

function textOf(reason: unknown): string {
  for (const text of [() => messageOf(reason), () => Object.prototype.toString.call(reason)]) {
    try {
      return text();
    } catch {
      // It is an object whose code throws.
    }
  }
  return "a reason that has no text"; // a revoked proxy is one
}
