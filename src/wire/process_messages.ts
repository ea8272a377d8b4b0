/** The checks of the messages of a process, which its node takes: see control.ts. */

import { MAX_ENVIRONMENT_BYTES, type ProcessMessage } from "./control.ts";
import { decodeMessage } from "./message.ts";
import {
  bool,
  bytes,
  bytesUpTo,
  grace,
  integer,
  orNone,
  orNull,
  permissionFlags,
  pid,
  port,
  resources,
  type Schema,
  signal,
  text,
} from "./schema.ts";
import { TRAFFIC } from "./samples.ts";
import { UNREAD, WAIT_REPORT } from "./waits.ts";

/** The largest message of an unauthenticated peer. */
export const MAX_HELLO_BYTES = 1024;

/** The schema of each {@linkcode ProcessMessage}. */
export const PROCESS_MESSAGES: Schema<ProcessMessage> = {
  hello: { token: text, port, resources },
  started: { inspector: orNone(port) },
  spawn: {
    request: integer,
    function: text,
    name: text,
    arg: bytes,
    resources,
    wait: bool,
    cwd: orNull(text),
    env: orNull(bytesUpTo(MAX_ENVIRONMENT_BYTES)),
    permissions: permissionFlags,
  },
  cancel: { request: integer },
  wait: { request: integer, pid },
  noticed: { pid },
  unreached: { request: integer, pid, why: text },
  undelivered: { pid, why: text },
  unread: { channels: UNREAD },
  refused: { host: text, line: text },
  waits: {
    request: integer,
    ...WAIT_REPORT,
    traffic: TRAFFIC,
  },
  kill: { request: integer, pid, signal: orNull(signal), graceMs: grace, descendants: bool },
};

/** Checks a message of a process. @throws {ProtocolError} If it is not a {@linkcode ProcessMessage}. */
export function decodeProcessMessage(body: Uint8Array<ArrayBuffer>): ProcessMessage {
  return decodeMessage(PROCESS_MESSAGES, body);
}
