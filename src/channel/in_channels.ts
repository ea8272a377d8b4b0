/**
 * All channels from one peer: the current one, to which incoming frames belong, and the Receiver of each.
 * The n-th channel of a name is for the n-th Receiver that is made for that name.
 */

import { type Arrivals, type ChannelEnd, discard, InChannel } from "./in_channel.ts";
import { Arrival, type Unclaimed } from "./unclaimed.ts";
import { ProtocolError } from "../core/errors.ts";
import { Fifo } from "../core/fifo.ts";
import { MAX_UNRECEIVED_CHANNELS, StopReason } from "../wire/frame.ts";

/** The notifications to the other side about its channels. */
export interface ReceiveEvents {
  /** There is a Receiver for the channel of that number. */
  accept(number: number): void;
  /** Nothing more is accepted on it. */
  stop(number: number, reason: number): void;
  /** Bytes of its window that are no longer held. */
  credit(number: number, count: number): void;
}

/** The channels and Receivers of one name. */
interface Name<Peer> {
  /** Channels for which there is no Receiver yet. */
  readonly arrivals: Fifo<Arrival<Peer>>;
  /** The channel of a Receiver that was made before the channel arrived. */
  awaited: InChannel | undefined;
  /** How many Receivers were closed before their channels arrived. */
  skipped: number;
  /** How many Receivers are open. */
  open: number;
}

/** Handles the channels from one peer. */
export interface Incoming {
  /** Where the frames of the current channel go. @throws {ProtocolError} If there is none. */
  readonly current: Arrivals;
  open(number: number, name: string): void;
  select(number: number): void;
  finish(end: ChannelEnd): void;
}

/** Discards frames for a process that has ended. */
export const discardAll: Incoming = {
  current: discard,
  open: () => {},
  select: () => {},
  finish: () => {},
};

export class InChannels<Peer> implements Incoming {
  readonly #peer: Peer;
  readonly #unclaimed: Unclaimed<Peer>;
  readonly #events: ReceiveEvents;
  /** The arrived channels that are in use, by number. */
  readonly #channels = new Map<number, InChannel>();
  readonly #names = new Map<string, Name<Peer>>();
  /** How many channels have arrived. */
  #opened = 0;
  /** How many of them have no Receiver yet. */
  #unreceived = 0;
  /** The target of incoming frames; none before the first channel has arrived. */
  #current: Arrivals | undefined;
  #currentNumber = -1;
  #failed = false;

  constructor(peer: Peer, unclaimed: Unclaimed<Peer>, events: ReceiveEvents) {
    this.#peer = peer;
    this.#unclaimed = unclaimed;
    this.#events = events;
  }

  /** Whether nothing is held for a Receiver, and none is open. */
  get empty(): boolean {
    return this.#names.size === 0;
  }

  /** Whether each channel that has arrived has its Receiver. */
  get claimed(): boolean {
    return this.#unreceived === 0;
  }

  /** The target of incoming frames. @throws {ProtocolError} If no channel has arrived. */
  get current(): Arrivals {
    if (this.#current === undefined) throw new ProtocolError("a frame before any channel");
    return this.#current;
  }

  /** The channels that are in use: those that have arrived, and those that a Receiver waits for. */
  *received(): Generator<InChannel> {
    for (const channel of this.#channels.values()) yield channel;
    for (const { awaited } of this.#names.values()) if (awaited !== undefined) yield awaited;
  }

  /** Whether there is an open Receiver of that name. */
  has(name: string): boolean {
    return (this.#names.get(name)?.open ?? 0) > 0;
  }

  /** The channel for a new Receiver: the first that has arrived, or the next to arrive. */
  receive(name: string): InChannel {
    const entry = this.#name(name);
    const arrival = entry.arrivals.first;
    if (arrival !== undefined) return this.claim(arrival);
    entry.open++;
    const channel = this.#make(name, undefined);
    if (this.#failed) channel.fail();
    entry.awaited = channel;
    return channel;
  }

  /** The channel for a Receiver that is made for this channel. */
  claim(arrival: Arrival<Peer>): InChannel {
    const { channel } = arrival;
    const entry = this.#name(channel.name);
    entry.arrivals.remove(arrival);
    entry.open++;
    this.#unreceived--;
    this.#unclaimed.remove(arrival);
    this.#accept(channel);
    return channel;
  }

  /** The Receiver of a channel was closed. */
  close(channel: InChannel): void {
    const { name, number, end } = channel;
    const entry = this.#name(name);
    entry.open--;
    if (number === undefined) {
      entry.awaited = undefined;
      entry.skipped++;
    } else {
      this.#channels.delete(number);
      if (this.#currentNumber === number) this.#current = discard;
      if (end === undefined && !this.#failed) this.#events.stop(number, StopReason.closed);
    }
    channel.close();
    this.#tidy(name, entry);
  }

  /**
   * A channel begins, and is the current one from now on.
   *
   * @throws {ProtocolError} If its number is not the next one.
   */
  open(number: number, name: string): void {
    if (number !== this.#opened) {
      throw new ProtocolError(`channel ${number} is opened; the next one is ${this.#opened}`);
    }
    this.#opened++;
    this.#currentNumber = number;
    this.#current = discard;
    const entry = this.#name(name);
    if (entry.skipped > 0) {
      entry.skipped--;
      this.#events.stop(number, StopReason.closed);
    } else if (entry.awaited !== undefined) {
      const channel = entry.awaited;
      entry.awaited = undefined;
      channel.arrive(number);
      this.#add(number, channel);
      this.#accept(channel);
    } else if (this.#unreceived === MAX_UNRECEIVED_CHANNELS) {
      this.#events.stop(number, StopReason.crowded);
    } else {
      const channel = this.#make(name, number);
      this.#add(number, channel);
      const arrival = new Arrival(this.#peer, channel);
      entry.arrivals.push(arrival);
      this.#unreceived++;
      this.#unclaimed.add(arrival);
    }
    this.#tidy(name, entry);
  }

  /**
   * The channel of that number is the current one from now on.
   *
   * @throws {ProtocolError} If no channel of that number has arrived.
   */
  select(number: number): void {
    if (number >= this.#opened) {
      throw new ProtocolError(`channel ${number} is selected; channels opened: ${this.#opened}`);
    }
    const channel = this.#channels.get(number);
    if (channel?.end !== undefined) {
      throw new ProtocolError(`channel ${number} is selected after its end`);
    }
    this.#currentNumber = number;
    this.#current = channel ?? discard;
  }

  /** The sender has ended the current channel. */
  finish(end: ChannelEnd): void {
    const channel = this.#channels.get(this.#currentNumber);
    if (this.#current === undefined) throw new ProtocolError("an end before any channel");
    this.#current = discard;
    if (channel?.end !== undefined) throw new ProtocolError("a channel ended twice");
    channel?.finish(end);
  }

  /** Nothing more arrives: the waiters are told. */
  fail(): void {
    this.#failed = true;
    for (const channel of this.received()) channel.fail();
    for (const [name, entry] of this.#names) {
      entry.skipped = 0;
      this.#tidy(name, entry);
    }
  }

  /** Drops the channels that have no Receiver, and what they hold. */
  drop(): void {
    for (const [name, entry] of this.#names) {
      for (const arrival of entry.arrivals.drain()) {
        this.#unclaimed.remove(arrival);
        this.#channels.delete(arrival.channel.number!);
        this.#unreceived--;
      }
      this.#tidy(name, entry);
    }
  }

  #make(name: string, number: number | undefined): InChannel {
    return new InChannel(name, number, (channel, count) => {
      this.#events.credit(channel.number!, count);
    });
  }

  #add(number: number, channel: InChannel): void {
    this.#channels.set(number, channel);
    this.#current = channel;
  }

  #accept(channel: InChannel): void {
    // Of one that has ended, too: its sender counts those that have no Receiver.
    if (!this.#failed) this.#events.accept(channel.number!);
    channel.accept();
  }

  #name(name: string): Name<Peer> {
    let entry = this.#names.get(name);
    if (entry === undefined) {
      entry = { arrivals: new Fifo(), awaited: undefined, skipped: 0, open: 0 };
      this.#names.set(name, entry);
    }
    return entry;
  }

  #tidy(name: string, { arrivals, awaited, skipped, open }: Name<Peer>): void {
    if (arrivals.length + skipped + open === 0 && awaited === undefined) this.#names.delete(name);
  }
}

type Bytes = Uint8Array<ArrayBuffer>;
