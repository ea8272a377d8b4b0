/** Somebody who is shown a run, over one connection after the other: deploy, or `deploy attach`. */

// @ts-types="../../types/std_encoding.d.ts"
import { encodeHex } from "@std/encoding/hex";
import { messageOf, ProtocolError } from "../core/errors.ts";
import type { Termination } from "../core/signals.ts";
import { type Clock, SYSTEM_CLOCK } from "../net/clock.ts";
import type { MessageLink } from "../net/message_link.ts";
import type { RunViewer } from "../run/run.ts";
import { type WaitLine, waitLines } from "../run/wait_lines.ts";
import { type BridgeToDeploy, type DeployToBridge, MAX_WAITING } from "../wire/run_messages.ts";
import type { BridgedRun, StdinAnswer } from "./bridged_run.ts";
import type { RunStdin, StdinGiver } from "./run_stdin.ts";

/** The link to deploy. */
export type DeployLink = MessageLink<BridgeToDeploy, DeployToBridge>;

/** What is shown: the events of a run, and what its processes wait for. */
export interface ShownRun {
  view(offset: number): RunViewer;
  waits(): Promise<WaitLine[]>;
}

/** The last message of an attachment. */
export type LastMessage = Extract<
  BridgeToDeploy,
  { type: "over" | "refused" | "detached" | "ending" }
>;

/** What an attachment may do besides looking, and who is told when it leaves. */
export interface AttachmentOptions {
  /** Stdin that this viewer may feed. */
  readonly stdin?: RunStdin | undefined;
  /** Ends the run, for the deploy that started it. */
  readonly stop?: (how: Termination) => void;
  /** The run whose processes this viewer may attach a debugger to. @default none */
  readonly inspected?: Pick<BridgedRun, "inspect">;
  /** Lets the run go on without the deploy that started it. */
  readonly detach?: () => void;
  /** Called when its link is lost, and if it does not come back: how long ago it was lost, in ms. */
  readonly lost?: (lostMs: number) => void;
  /** Called, once, when it does not come back. */
  readonly gone: () => void;
  /** How long it may take to come back. */
  readonly waitMs: number;
  /** Whether the run waits for it meanwhile, as for a viewer that is slow. @default false */
  readonly holdsPlace?: boolean;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
}

/**
 * One viewer of a run.
 *
 * A link that is lost may be replaced by another one, whoever shows the {@linkcode Attachment.token}: the
 * viewer says which event it needs next, and what has come of its stdin is told to it. Until then, or until
 * it is gone, the deploy that started the run holds its place: the log keeps what it has not seen. Others
 * fall behind in the log.
 */
export class Attachment implements StdinGiver {
  /** The secret that allows a link to replace another one. */
  readonly token: string = encodeHex(crypto.getRandomValues(new Uint8Array(16)));
  /** Resolves when it is gone for good. */
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #run: ShownRun;
  readonly #options: AttachmentOptions;
  readonly #clock: Clock;
  #link: DeployLink | undefined;
  /** What is shown on the link, or, without a link, the place of this viewer. */
  #viewer: RunViewer | undefined;
  /** All events have been sent on the link. */
  #isShown = false;
  #last: LastMessage | undefined;
  #stopWaiting: () => void = () => {};
  #isGone = false;

  constructor(run: ShownRun, options: AttachmentOptions) {
    this.#run = run;
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** The run whose processes this viewer may attach a debugger to. */
  get inspected(): AttachmentOptions["inspected"] {
    return this.#options.inspected;
  }

  /** Begins to show the run, on its first link. */
  begin(link: DeployLink): void {
    this.#show(link, 0);
    this.#options.stdin?.add(this);
  }

  /** Shows the run on `link`, from that event on; the link before it is dropped. */
  #show(link: DeployLink, from: number): void {
    this.#stopWaiting();
    const [replaced, place] = [this.#link, this.#viewer];
    this.#link = link;
    link.matters();
    this.#isShown = false;
    this.#viewer = this.#run.view(from);
    replaced?.drop();
    place?.close();
    if (this.#last !== undefined && this.#last.type !== "over") void link.send(this.#last);
    else void this.#sendAll(link, this.#viewer, from);
  }

  /** Goes on with event `from`, on a link that replaces a lost one. */
  resume(link: DeployLink, from: number): void {
    const position = this.#options.stdin?.position(this) ??
      { received: 0, taken: 0, ended: true, wanted: "no" as const };
    void link.send({ type: "resumed", ...position });
    this.#show(link, from);
  }

  /** Takes the messages of a link until it ends; then the viewer may come back, on another one. */
  async serve(link: DeployLink, messages: AsyncIterable<DeployToBridge>): Promise<void> {
    try {
      for await (const message of messages) this.take(message);
    } catch (error) {
      if (error instanceof ProtocolError) link.drop(error);
      throw error;
    } finally {
      link.drop();
      this.left(link, await link.ended instanceof ProtocolError);
    }
  }

  /** @throws {ProtocolError} If it is not allowed. */
  take(message: DeployToBridge): void {
    const { stdin, stop, detach } = this.#options;
    if (message.type === "bye") return this.#leave();
    if (this.#last !== undefined) return; // it has not read that yet
    switch (message.type) {
      case "stdin":
      case "stdin-end":
        if (stdin === undefined) break;
        return stdin.give(this, message);
      case "stop":
        if (stop === undefined) break;
        return stop(message);
      case "detach":
        if (detach === undefined) break;
        detach();
        stdin?.remove(this);
        return this.finish({ type: "detached" });
      case "why":
        return void this.#tellWaits();
    }
    throw new ProtocolError(`"${message.type}" out of order`);
  }

  answerStdin(answer: StdinAnswer): void {
    void this.#link?.send(answer);
  }

  /** Sends its last message: `over` after all events, another one at once. Only the first call counts. */
  finish(last: LastMessage): void {
    if (this.#last !== undefined || this.#isGone) return;
    this.#last = last;
    if (last.type !== "over" || this.#isShown) void this.#link?.send(last);
  }

  /** Its link has ended; with `forGood` it is not waited for. */
  left(link: DeployLink, forGood: boolean): void {
    if (this.#link !== link || this.#isGone) return;
    this.#link = undefined;
    if (forGood) return this.#leave();
    const { holdsPlace = false, lost, waitMs } = this.#options;
    const viewer = this.#viewer!;
    this.#viewer = holdsPlace ? this.#run.view(viewer.offset) : undefined;
    viewer.close();
    const lostAtMs = this.#clock.now();
    this.#stopWaiting = this.#clock.after(waitMs, () => {
      lost?.(this.#clock.now() - lostAtMs);
      this.#leave();
    });
    lost?.(0);
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#stopWaiting();
    this.#options.stdin?.remove(this);
    this.#viewer?.close();
    this.#link?.drop();
    this.#options.gone();
    this.#end();
  }

  async #sendAll(link: DeployLink, viewer: RunViewer, from: number): Promise<void> {
    try {
      await this.#sendEvents(link, viewer, from);
    } catch (error) {
      // The log cannot be read.
      this.finish({ type: "refused", why: messageOf(error), output: new Uint8Array() });
    }
  }

  /** Sends the events from `next` on, as fast as the viewer takes them. */
  async #sendEvents(link: DeployLink, viewer: RunViewer, next: number): Promise<void> {
    for await (const { from, records } of viewer) {
      if (link.over) return;
      if (from > next) void link.send({ type: "missing", events: from - next });
      next = from + records.length;
      for (const { body } of records) {
        await link.sendBody(body);
        if (link.over) return;
      }
    }
    if (this.#link !== link || this.#isGone) return;
    this.#isShown = true;
    if (this.#last?.type === "over") void link.send(this.#last);
  }

  async #tellWaits(): Promise<void> {
    const link = this.#link;
    const lines = waitLines(await this.#run.waits());
    void link?.send({ type: "waits", lines: lines.slice(0, MAX_WAITING) });
  }
}
