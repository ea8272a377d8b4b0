/** Events of a run, as messages. */

import type { RunEvent } from "../core/events.ts";
import type { EventMessage } from "./run_messages.ts";

/** The message that tells of `event`. */
export function eventMessage({ event, ...rest }: RunEvent): EventMessage {
  return { type: event, ...rest } as EventMessage;
}

/** The event that `message` tells of. */
export function runEvent({ type, ...rest }: EventMessage): RunEvent {
  return { event: type, ...rest } as RunEvent;
}
