/** One open page: what it looks at, and what it asks for. */

import { messageOf } from "../core/errors.ts";
import { DEFAULT_GRACE_MS, KILL } from "../core/signals.ts";
import type { StartTimer } from "../core/timer.ts";
import type { PageToServer, ServerToPage } from "./messages.ts";
import { PageEvents } from "./page_events.ts";
import { PageQueue } from "./page_queue.ts";
import type { Watched } from "./watched.ts";

/** How long it takes at least from one sample of a run to the next. */
const SAMPLE_MS = 1_000;

/** How long after a failure it is tried again. */
const RETRY_MS = 1_000;

/** What a session needs. */
export interface PageSessionOptions {
  readonly watched: Watched;
  /** Sends a message to the page. */
  readonly send: (message: ServerToPage) => void;
  readonly startTimer: StartTimer;
}

export class PageSession {
  readonly #options: PageSessionOptions;
  readonly #queue = new PageQueue();
  readonly #closed = new AbortController();
  /** Ends the look at the current run. */
  #looking = new AbortController();
  /** What still goes on. */
  readonly #work = new Set<Promise<void>>();

  constructor(options: PageSessionOptions) {
    this.#options = options;
    this.#run(this.#send());
  }

  /** Adds a message for the page. */
  tell(message: ServerToPage): void {
    this.#queue.tell(message);
  }

  /** Takes a message of the page. */
  take(message: PageToServer): void {
    switch (message.type) {
      case "taken":
        return this.#queue.taken(message.messages);
      case "look":
        return this.#look(message.run);
      case "kill":
        return this.#run(this.#kill(message));
    }
  }

  /** The page is gone; resolves when nothing of it goes on. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#looking.abort();
    this.#queue.taken(0); // wakes who waits
    await Promise.all(this.#work);
  }

  #run(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  #look(run: string | null): void {
    this.#looking.abort();
    this.#queue.taken(0);
    if (run === null || this.#closed.signal.aborted) return;
    const { signal } = this.#looking = new AbortController();
    const over = new AbortController();
    this.#run(this.#show(run, signal).finally(() => over.abort()));
    this.#run(this.#sample(run, AbortSignal.any([signal, over.signal])));
  }

  /** Tells the events of a run, from its start; again, if they break off. */
  async #show(run: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const page = new PageEvents();
      let isBegun = false;
      try {
        for await (const told of this.#options.watched.events(run, signal)) {
          if (signal.aborted) return;
          if (!isBegun) this.#queue.show(run);
          isBegun = true;
          for (const event of page.of(told)) this.#queue.add(event);
          while (!this.#queue.room && !signal.aborted) await this.#queue.changed();
        }
        if (isBegun && !signal.aborted) this.#queue.add({ event: "over" });
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.tell({ type: "not-shown", run, text: messageOf(error) });
        await this.#pause(RETRY_MS, signal);
      }
    }
  }

  /** Takes samples of a run, for as long as it runs and the page looks at it. */
  async #sample(run: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = this.#pause(SAMPLE_MS, signal);
      try {
        const processes = [...await this.#options.watched.samples(run)];
        if (signal.aborted) return;
        this.tell({ type: "samples", run, atMs: Date.now(), processes });
      } catch {
        // What is wrong with the bridge, the events say, and the list of runs.
      }
      await pause;
    }
  }

  async #kill({ request, run, pid, atOnce }: PageToServer & { type: "kill" }): Promise<void> {
    const how = atOnce ? KILL : { signal: "SIGTERM", graceMs: DEFAULT_GRACE_MS } as const;
    try {
      const text = await this.#options.watched.kill(run, pid, how);
      this.tell({ type: "answer", request, failed: false, text });
    } catch (error) {
      this.tell({ type: "answer", request, failed: true, text: messageOf(error) });
    }
  }

  async #send(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const message = this.#queue.next();
      if (message === undefined) await this.#queue.changed();
      else this.#options.send(message);
    }
  }

  /** Resolves after that time, or when `signal` is aborted. */
  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#options.startTimer(ms, done);
      signal.addEventListener("abort", done);
    });
  }
}
