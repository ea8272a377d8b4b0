/**
 * The channels that have come to a process, and for which it has made no Receiver: of all peers, by
 * name, in the order in which they came; and who waits to be given one.
 */

import { Fifo } from "./fifo.ts";
import type { InChannel } from "./in_channel.ts";
import type { Waiter } from "./waiter.ts";

/** A channel that has come, and the peer that it came from. */
export class Arrival<Peer> {
  readonly peer: Peer;
  readonly channel: InChannel;

  constructor(peer: Peer, channel: InChannel) {
    this.peer = peer;
    this.channel = channel;
  }
}

/** The channels of one name. */
interface Queue<Peer> {
  readonly arrivals: Fifo<Arrival<Peer>>;
  readonly waiters: Fifo<Waiter>;
  /** Whether there is an Acceptor of that name. */
  accepting: boolean;
}

export class Unclaimed<Peer> {
  readonly #queues = new Map<string, Queue<Peer>>();

  /** Begins to give out the channels of a name; tells whether nobody else does. */
  open(name: string): boolean {
    const queue = this.#queue(name);
    if (queue.accepting) return false;
    queue.accepting = true;
    return true;
  }

  /** Nobody wants the channels of that name any more: those who wait are told. */
  close(name: string): void {
    const queue = this.#queue(name);
    queue.accepting = false;
    for (const waiter of queue.waiters.drain()) waiter.wake();
    this.#tidy(name, queue);
  }

  /** A channel has come. */
  add(arrival: Arrival<Peer>): void {
    const { arrivals, waiters } = this.#queue(arrival.channel.name);
    arrivals.push(arrival);
    while (waiters.length > 0 && arrivals.length > 0) waiters.shift()!.wake();
  }

  /** A Receiver was made for a channel. */
  remove(arrival: Arrival<Peer>): void {
    const { name } = arrival.channel;
    const queue = this.#queue(name);
    queue.arrivals.remove(arrival);
    this.#tidy(name, queue);
  }

  /** The channel of that name that came first; `undefined` if there is none. */
  first(name: string): Arrival<Peer> | undefined {
    return this.#queues.get(name)?.arrivals.first;
  }

  /** Stands in line for the next channel of a name; gives the way out of the line. */
  wait(name: string, waiter: Waiter): () => void {
    const { waiters } = this.#queue(name);
    waiters.push(waiter);
    return () => void waiters.remove(waiter);
  }

  /** Everyone who waits, and the name that they wait for. */
  *waiting(): Generator<{ readonly name: string; readonly waiter: Waiter }> {
    for (const [name, { waiters }] of this.#queues) {
      for (const waiter of waiters) yield { name, waiter };
    }
  }

  #queue(name: string): Queue<Peer> {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { arrivals: new Fifo(), waiters: new Fifo(), accepting: false };
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #tidy(name: string, { arrivals, accepting }: Queue<Peer>): void {
    if (!accepting && arrivals.length === 0) this.#queues.delete(name);
  }
}
