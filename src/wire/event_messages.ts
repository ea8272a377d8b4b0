/** Events of a run, as bytes: the bodies of messages that tell of them. */

import type { RunEvent } from "../core/events.ts";
import { decodeMessage, encodeBody } from "./message.ts";
import { EVENT } from "./run_messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The body of the message that tells of `event`. */
export function eventBody(event: RunEvent): Bytes {
  return encodeBody({ type: "event", event });
}

/**
 * The event that such a message tells of; its bytes are parts of `body`.
 *
 * @throws {ProtocolError} If `body` is none.
 */
export function eventOf(body: Bytes): RunEvent {
  return decodeMessage(EVENT, body).event;
}
