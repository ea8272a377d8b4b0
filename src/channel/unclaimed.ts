/**
 * The channels to a process without a Receiver: of all peers, by name, in order of arrival; and the waiters
 * for them.
 */

import { Fifo } from "../core/fifo.ts";
import type { InChannel } from "./in_channel.ts";
import type { Waiter } from "./waiter.ts";

/** A channel that has arrived, and its peer. */
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

  /** Registers an Acceptor of a name; returns whether it is the only one. */
  open(name: string): boolean {
    const queue = this.#queue(name);
    if (queue.accepting) return false;
    queue.accepting = true;
    return true;
  }

  /** The Acceptor of that name was closed: notifies the waiters. */
  close(name: string): void {
    const queue = this.#queue(name);
    queue.accepting = false;
    for (const waiter of queue.waiters.drain()) waiter.wake();
    this.#tidy(name, queue);
  }

  /** A channel has arrived. */
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

  /** The oldest channel of that name; `undefined` if there is none. */
  first(name: string): Arrival<Peer> | undefined {
    return this.#queues.get(name)?.arrivals.first;
  }

  /** Queues a waiter for the next channel of a name; returns a function that removes it. */
  wait(name: string, waiter: Waiter): () => void {
    const { waiters } = this.#queue(name);
    waiters.push(waiter);
    return () => void waiters.remove(waiter);
  }

  /** All waiters, with the name that they wait for. */
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
