/** An event of a run as its log keeps it: as a value, as bytes, or as both. */

import type { RunEvent } from "../core/events.ts";
import { eventBody, eventOf } from "../wire/event_messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What an event takes in memory besides its bytes, or those of its output, roughly. */
const EVENT_BYTES = 256;

/**
 * One event, in the form in which it arrived; the other form is made once, on demand.
 *
 * The bytes of an event that came over a connection are passed on unchanged, to the disk and to viewers. In
 * a local run, where it never leaves the process, it is never encoded.
 *
 * The log of what processes do keeps the bodies of messages `does` in the same way. They are not events, so that
 * only their bytes are used.
 */
export class EventRecord {
  /** The approximate memory that it takes. */
  readonly size: number;
  #event: RunEvent | undefined;
  #body: Bytes | undefined;

  private constructor(event: RunEvent | undefined, body: Bytes | undefined) {
    this.#event = event;
    this.#body = body;
    const bytes = body ?? (event?.event === "output" ? event.bytes : undefined);
    this.size = EVENT_BYTES + (bytes?.length ?? 0);
  }

  static of(event: RunEvent): EventRecord {
    return new EventRecord(event, undefined);
  }

  /**
   * `body` is the body of an event message, and belongs to the record from now on; `event` is its event, if
   * that is known already.
   */
  static from(body: Bytes, event?: RunEvent): EventRecord {
    return new EventRecord(event, body);
  }

  /** @throws {ProtocolError} If its bytes are not an event. */
  get event(): RunEvent {
    return this.#event ??= eventOf(this.#body!);
  }

  /** The body of its event message. */
  get body(): Bytes {
    return this.#body ??= eventBody(this.#event!);
  }

  /** This event, in memory that nothing else writes to. */
  owned(): EventRecord {
    const event = this.#event;
    if (this.#body !== undefined || event?.event !== "output") return this;
    return new EventRecord({ ...event, bytes: event.bytes.slice() }, undefined);
  }
}
