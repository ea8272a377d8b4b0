/** Events of a run as bytes: the bodies of event messages. */

import type { RunEvent } from "../core/events.ts";
import { decodeMessage, encodeBody } from "./message.ts";
import { EVENT } from "./run_messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The body of the message of `event`. */
export function eventBody(event: RunEvent): Bytes {
  return encodeBody({ type: "event", event });
}

/**
 * The event in such a message; its bytes are views of `body`.
 *
 * @throws {ProtocolError} If `body` is not an event message.
 */
export function eventOf(body: Bytes): RunEvent {
  return decodeMessage(EVENT, body).event;
}
