/** All channels to one peer: their numbers and names, and their turns on the wire. */

import { FrameType, MAX_UNRECEIVED_CHANNELS, StopReason } from "../wire/frame.ts";
import { ProtocolError } from "../core/errors.ts";
import { Fifo } from "../core/fifo.ts";
import type { Hold } from "./hold.ts";
import { OutChannel } from "./out_channel.ts";
import type { Outbox } from "./outbox.ts";
import type { SavedChannel, SavedChannels } from "./saved_peer.ts";
import type { StoredChannels } from "./stored_peer.ts";
import type { SendContext } from "./send_context.ts";

export class OutChannels {
  readonly #outbox: Outbox;
  readonly #context: SendContext<OutChannel>;
  /** Those that are open, and on which something may follow. */
  readonly #channels = new Map<number, OutChannel>();
  /** Those that are not open, since the other process has as many without a Receiver as it holds. */
  readonly #parked = new Fifo<OutChannel>();
  /** The numbers of those that are open, and for which there is no Receiver, as far as is known. */
  readonly #unreceived = new Set<number>();
  /** Makes the error that says that the other process holds no more of them. */
  readonly #crowded: () => Error;
  /** Parked channels that have something to send, and of which the other process is yet to be asked. */
  #applicants = new Set<OutChannel>();
  /** Whether it is being asked just now. */
  #asking = false;
  /** The names of those whose Sender is open. */
  readonly #names = new Set<string>();
  #opened = 0;
  /** How many values and ends are queued. */
  #waiting = 0;
  /** The channels that have a piece of a large value to send, in the order of their turns. */
  readonly #turns = new Fifo<OutChannel>();
  /** The offset in the stream where the last piece ends. */
  #pieceEnd = 0;
  #failure: (() => Error) | undefined;
  /** The waiters for the queues to be empty. */
  #emptied: (() => void)[] = [];

  /**
   * `written` is called when there is something to write; `crowded` makes the error for a channel that the
   * other process would not hold.
   */
  constructor(outbox: Outbox, hold: Hold, written: () => void, crowded: () => Error) {
    this.#crowded = crowded;
    this.#outbox = outbox;
    this.#context = {
      outbox,
      hold,
      written,
      ready: (channel) => this.#turns.push(channel),
      lined: (change) => this.#lined(change),
      admit: (channel) => this.#admit(channel),
      over: (channel) => {
        if (channel.number >= 0) this.#channels.delete(channel.number);
        else this.#parked.remove(channel);
      },
    };
  }

  /** Whether values or ends wait for room. */
  get waiting(): boolean {
    return this.#waiting > 0;
  }

  /** The channels that have not ended, oldest first. */
  *all(): Generator<OutChannel> {
    yield* this.#channels.values();
    yield* this.#parked;
  }

  /** Whether there is an open Sender of that name. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Begins a channel. */
  open(name: string): OutChannel {
    const channel = new OutChannel(this.#context, name);
    this.#names.add(name);
    if (this.#failure !== undefined) {
      channel.fail(this.#failure);
    } else {
      this.#parked.push(channel);
      this.#openParked();
    }
    return channel;
  }

  /** The Sender of a channel was closed: another one of that name may be opened. */
  close(channel: OutChannel): void {
    this.#names.delete(channel.name);
  }

  /** Resolves when no values or ends are queued. */
  emptied(): Promise<void> {
    if (!this.waiting) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /**
   * The other process no longer holds this many bytes of a channel.
   *
   * @throws {ProtocolError} If it never did.
   */
  credit(number: number, count: number): void {
    this.#find(number, "a credit")?.credit(count);
  }

  /**
   * The other process has made a Receiver for a channel.
   *
   * @throws {ProtocolError} If there is no such channel, or this was already reported.
   */
  accept(number: number): void {
    this.#find(number, "an accept")?.accept();
    this.#received(number);
  }

  /**
   * The other process accepts nothing more on a channel.
   *
   * @param error Makes the error that says so.
   * @throws {ProtocolError} If there is no such channel, or no such reason.
   */
  stop(number: number, reason: number, error: (reason: number) => Error): void {
    if (reason > StopReason.crowded) throw new ProtocolError(`a stop for unknown reason ${reason}`);
    this.#find(number, "a stop")?.stop(() => error(reason));
    this.#received(number);
  }

  /** Nothing more can be sent. */
  fail(error: () => Error): void {
    this.#failure = error;
    for (const channel of this.all()) channel.fail(error);
    this.#channels.clear();
    this.#parked.drain();
    this.#unreceived.clear();
    this.#turns.clear();
  }

  /**
   * To be called before each write: puts one piece of a large value into the outbox, unless one is still
   * unwritten. So other frames wait for at most one piece.
   */
  addPiece(): void {
    while (this.#turns.length > 0 && this.#outbox.written >= this.#pieceEnd) {
      const before = this.#outbox.end;
      this.#turns.shift()!.turn();
      if (this.#outbox.end > before) this.#pieceEnd = this.#outbox.end;
    }
  }

  save(): SavedChannels {
    const waiting: SavedChannel[] = [];
    for (const channel of this.#channels.values()) {
      const saved = channel.save();
      if (saved !== undefined) waiting.push(saved);
    }
    return { opened: this.#opened, current: this.#outbox.channel, waiting };
  }

  /** Puts what {@linkcode save} gave, and was stored, into the place of channels that were never used. */
  restore({ opened, waiting }: StoredChannels): void {
    this.#opened = opened;
    for (const saved of waiting) {
      const channel = new OutChannel(this.#context, "");
      this.#channels.set(saved.number, channel);
      channel.restore(saved);
    }
  }

  /** The channel of that number; `undefined` if it is over. */
  #find(number: number, what: string): OutChannel | undefined {
    if (number < this.#opened) return this.#channels.get(number);
    throw new ProtocolError(`${what} for channel ${number}; channels opened: ${this.#opened}`);
  }

  /** The other process no longer holds that channel without a Receiver. */
  #received(number: number): void {
    if (!this.#unreceived.delete(number) || this.#parked.length === 0) return;
    this.#openParked();
    this.#context.written();
  }

  /** Opens as many channels as the other process holds, oldest first. */
  #openParked(): void {
    while (this.#parked.length > 0 && this.#unreceived.size < MAX_UNRECEIVED_CHANNELS) {
      const channel = this.#parked.shift()!;
      const number = this.#opened++;
      this.#channels.set(number, channel);
      this.#unreceived.add(number);
      this.#outbox.open(number, new TextEncoder().encode(channel.name));
      channel.open(number);
    }
  }

  /**
   * A parked channel has something to send. Receivers may have been made of which the news is on its way,
   * so the other process is asked to acknowledge all that there has been; the news comes before that. What
   * is parked then fails.
   */
  #admit(channel: OutChannel): void {
    this.#applicants.add(channel);
    if (!this.#asking) void this.#askForRoom();
  }

  async #askForRoom(): Promise<void> {
    this.#asking = true;
    while (this.#applicants.size > 0) {
      const asked = this.#applicants;
      this.#applicants = new Set();
      this.#outbox.append(FrameType.ask);
      this.#context.written();
      await this.#outbox.acknowledged();
      for (const channel of asked) {
        if (this.#parked.remove(channel)) channel.fail(this.#crowded);
      }
    }
    this.#asking = false;
  }

  #lined(change: number): void {
    this.#waiting += change;
    if (this.#waiting > 0 || this.#emptied.length === 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }
}
