/**
 * What waits to be sent to a page: bounded, whatever a run does and however slow the page is.
 *
 * Output that comes faster than the page takes it is dropped, the oldest first, and the page is told how much.
 * Starts and ends of processes are never dropped: while too many wait, their source waits. Of lists that
 * replace each other only the last one waits. Pure: it uses no socket and no clock.
 */

import type { PageEvent, ServerToPage } from "./messages.ts";

/** The most characters of output that wait. */
const MAX_OUTPUT = 1024 * 1024;

/** When so many events wait, their source waits. */
const MAX_EVENTS = 20_000;

/** The most that is sent in one message: events, and characters of output. */
const BATCH_EVENTS = 2_000;
const BATCH_OUTPUT = 128 * 1024;

/** How many messages may be sent that the page has not taken yet. */
const WINDOW_MESSAGES = 8;

export class PageQueue {
  /** Messages that are sent as they are, in order, before the events. */
  #messages: ServerToPage[] = [];
  #run = "";
  #events: (PageEvent | undefined)[] = [];
  /** The first of `events` that waits. */
  #next = 0;
  /** Where to look for the oldest output that waits. */
  #oldest = 0;
  /** How many characters of output wait. */
  #output = 0;
  /** Output that was dropped, and of which the page has not been told. */
  #dropped = 0;
  #untaken = 0;
  #waiters: (() => void)[] = [];

  /** Adds a message. It replaces one of the same type that waits, unless it is an answer. */
  tell(message: ServerToPage): void {
    const at = message.type === "answer"
      ? -1
      : this.#messages.findIndex(({ type }) => type === message.type);
    if (at < 0) this.#messages.push(message);
    else this.#messages[at] = message;
    this.#wake();
  }

  /** A run is shown from its start; what waits of another one is dropped. */
  show(run: string): void {
    this.#run = run;
    this.#events = [];
    this.#next =
      this.#oldest =
      this.#output =
      this.#dropped =
        0;
    this.#messages = this.#messages.filter(({ type }) => type !== "samples");
    this.tell({ type: "showing", run });
  }

  /** Adds an event of the run that is shown. */
  add(event: PageEvent): void {
    this.#events.push(event);
    if (event.event === "output") {
      this.#output += event.text.length;
      while (this.#output > MAX_OUTPUT) this.#dropOldest();
    }
    this.#wake();
  }

  /** Whether the source of events may go on. */
  get room(): boolean {
    return this.#events.length - this.#next < MAX_EVENTS;
  }

  /** The page has taken so many messages. */
  taken(messages: number): void {
    this.#untaken = Math.max(0, this.#untaken - messages);
    this.#wake();
  }

  /** The next message to send, if there is one and the page can take it. */
  next(): ServerToPage | undefined {
    if (this.#untaken >= WINDOW_MESSAGES) return undefined;
    const message = this.#messages.shift() ?? this.#batch();
    if (message === undefined) return undefined;
    this.#untaken++;
    this.#wake();
    return message;
  }

  /** Resolves when something has changed: what waits, or what the page has taken. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #dropOldest(): void {
    this.#oldest = Math.max(this.#oldest, this.#next);
    while (this.#events[this.#oldest]?.event !== "output") this.#oldest++;
    const event = this.#events[this.#oldest];
    if (event?.event !== "output") return;
    this.#events[this.#oldest] = undefined;
    this.#output -= event.text.length;
    this.#dropped += event.text.length;
  }

  #batch(): ServerToPage | undefined {
    const events: PageEvent[] = [];
    if (this.#dropped > 0) events.push({ event: "missing", events: 0, bytes: this.#dropped });
    this.#dropped = 0;
    let output = 0;
    while (
      this.#next < this.#events.length && events.length < BATCH_EVENTS && output < BATCH_OUTPUT
    ) {
      const event = this.#events[this.#next];
      this.#events[this.#next++] = undefined;
      if (event === undefined) continue;
      if (event.event === "output") output += event.text.length;
      events.push(event);
    }
    this.#output -= output;
    if (this.#next === this.#events.length || this.#next > MAX_EVENTS) {
      this.#events = this.#events.slice(this.#next);
      this.#next = this.#oldest = 0;
    }
    return events.length === 0 ? undefined : { type: "events", run: this.#run, events };
  }
}
