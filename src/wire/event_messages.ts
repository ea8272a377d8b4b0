/** Events of a run, as messages. */

import type { RunEvent } from "../core/events.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import { type EventMessage, EVENTS } from "./run_messages.ts";
import { checkMessage } from "./schema.ts";

/** The message that tells of `event`. */
export function eventMessage({ event, ...rest }: RunEvent): EventMessage {
  return { type: event, ...rest } as EventMessage;
}

/** The event that `message` tells of. */
export function runEvent({ type, ...rest }: EventMessage): RunEvent {
  return { event: type, ...rest } as RunEvent;
}

/** The body of the message that tells of `event`: bytes of the value codec. */
export function eventBody(event: RunEvent): Uint8Array<ArrayBuffer> {
  // The value codec writes the whole buffer of a view, and in that of a part there may be anything.
  const isPart = event.event === "output" &&
    event.bytes.byteLength !== event.bytes.buffer.byteLength;
  return encode(eventMessage(isPart ? { ...event, bytes: event.bytes.slice() } : event));
}

/** The event of such a message. @throws {ProtocolError} If `body` is none. */
export function eventOf(body: Uint8Array<ArrayBuffer>): RunEvent {
  return runEvent(checkMessage(EVENTS, decode(body)));
}
