/** The checks of the messages of a process, which its node takes: see control.ts. */

import type { ProcessMessage } from "./control.ts";
import { decodeMessage } from "./message.ts";
import {
  bool,
  bytes,
  grace,
  integer,
  orNull,
  pid,
  port,
  resources,
  type Schema,
  signal,
  text,
} from "./schema.ts";
import { WAIT_REPORT } from "./waits.ts";

/** The largest message of an unauthenticated peer. */
export const MAX_HELLO_BYTES = 1024;

const PROCESS_MESSAGES: Schema<ProcessMessage> = {
  hello: { token: text, port, resources },
  started: {},
  spawn: {
    request: integer,
    function: text,
    name: text,
    arg: bytes,
    resources,
    wait: bool,
    cwd: orNull(text),
    env: orNull(bytes),
  },
  cancel: { request: integer },
  wait: { request: integer, pid },
  noticed: { pid },
  waits: {
    request: integer,
    ...WAIT_REPORT,
  },
  kill: { request: integer, pid, signal: orNull(signal), graceMs: grace, descendants: bool },
};

/** Checks a message of a process. @throws {ProtocolError} If it is not a {@linkcode ProcessMessage}. */
export function decodeProcessMessage(body: Uint8Array<ArrayBuffer>): ProcessMessage {
  return decodeMessage(PROCESS_MESSAGES, body);
}
