/**
 * The messages of two processes on a new connection, after the handshake: who they are, where their streams
 * resume, and whether the connection is accepted.
 *
 * The dialer sends `greeting`, the acceptor answers with `reply`; fields are little-endian.
 *
 *     greeting  u16 length of the rest | u8 flags | f64 offset | 32 B id of the acceptor | dialer's Pid
 *     reply     u8 verdict | f64 number
 */

import { parsePid, type Pid } from "../core/pid.ts";
import { type ByteStream, readExactly, writeAll } from "../net/transport.ts";
import { ProtocolError } from "../core/errors.ts";

export interface Greeting {
  /** The process that dials. */
  readonly from: Pid;
  /** The id of the process that it calls: another process may have the port by now. */
  readonly to: string;
  /** The offset up to which the dialer has received the acceptor's stream. */
  readonly offset: number;
  /** The dialer acts for a process that has ended: it delivers its will. */
  readonly posthumous: boolean;
}

/** The acceptor's verdict. The numbers are part of the protocol. */
export const Verdict = {
  /** The connection is accepted. */
  welcome: 0,
  /** Both dialled at once, and the other connection is kept. */
  crossed: 1,
  /** There is no process with that id. */
  unknown: 2,
  /** The process is ending, and accepts nothing more. */
  ending: 3,
  /** The process considers the dialer gone, and refuses it. */
  gone: 4,
} as const;

/** A number of {@linkcode Verdict}. */
export type Verdict = typeof Verdict[keyof typeof Verdict];

export interface Reply {
  readonly verdict: Verdict;
  /**
   * With `welcome`, the offset up to which the acceptor has received the dialer's stream. With `ending`,
   * the exit code of the acceptor. Else 0.
   */
  readonly number: number;
}

/**
 * How long after dialling a process expects a simultaneous attempt of the other one, and how long that one,
 * refused, waits for the kept connection.
 */
export const CROSSED_MS = 1_000;

/** The state that a verdict on a connection depends on. */
export interface Standing {
  /** The deciding process. */
  readonly pid: Pid;
  /** Whether it considers the dialer gone. */
  readonly gone: boolean;
  /** The offset up to which the dialer has acknowledged its stream. */
  readonly acked: number;
  /** How long ago it dialled itself: 0 during an attempt, `Infinity` if it has not. */
  readonly dialledAgoMs: number;
}

/** Whether to accept a connection of a known process; of two at once, the smaller Pid's is kept. */
export function judge(greeting: Greeting, standing: Standing): Verdict {
  if (standing.gone) return Verdict.gone;
  // An attempt from before the last connection is old, and the dialer no longer waits for it.
  if (greeting.offset < standing.acked) return Verdict.crossed;
  if (greeting.posthumous || standing.pid > greeting.from) return Verdict.welcome;
  return standing.dialledAgoMs < CROSSED_MS ? Verdict.crossed : Verdict.welcome;
}

const ID_BYTES = 32;
const FIXED_BYTES = 1 + 8 + ID_BYTES;
const MAX_GREETING_BYTES = 1024;
const REPLY_BYTES = 9;
const POSTHUMOUS = 1;

/** Writes a greeting, and `preface` before it, in one write. */
export async function writeGreeting(
  stream: ByteStream,
  greeting: Greeting,
  preface: Uint8Array = new Uint8Array(0),
): Promise<void> {
  const from = new TextEncoder().encode(greeting.from);
  const length = FIXED_BYTES + from.length;
  const bytes = new Uint8Array(preface.length + 2 + length);
  bytes.set(preface);
  const start = preface.length;
  const view = new DataView(bytes.buffer, start);
  view.setUint16(0, length, true);
  view.setUint8(2, greeting.posthumous ? POSTHUMOUS : 0);
  view.setFloat64(3, greeting.offset, true);
  bytes.set(new TextEncoder().encode(greeting.to), start + 11);
  bytes.set(from, start + 11 + ID_BYTES);
  await writeAll(stream, bytes);
}

/** @throws {ProtocolError} If the data is not a greeting. */
export async function readGreeting(stream: ByteStream): Promise<Greeting> {
  const length = new DataView((await readExactly(stream, 2)).buffer).getUint16(0, true);
  if (length <= FIXED_BYTES || length > MAX_GREETING_BYTES) {
    throw new ProtocolError(`a greeting of ${length} bytes`);
  }
  const bytes = await readExactly(stream, length);
  const view = new DataView(bytes.buffer);
  const to = new TextDecoder().decode(bytes.subarray(9, 9 + ID_BYTES));
  const from = new TextDecoder().decode(bytes.subarray(9 + ID_BYTES));
  if (parsePid(from) === undefined) throw new ProtocolError("a greeting without a valid Pid");
  const offset = readCount(view, 1);
  return { from: from as Pid, to, offset, posthumous: view.getUint8(0) === POSTHUMOUS };
}

export function encodeReply(reply: Reply): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(REPLY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, reply.verdict);
  view.setFloat64(1, reply.number, true);
  return bytes;
}

/** Refuses a connection with a reason. @param code The exit code of a process that is ending. */
export async function writeRefusal(stream: ByteStream, verdict: Verdict, code = 0): Promise<void> {
  await writeAll(stream, encodeReply({ verdict, number: code }));
}

/** @throws {ProtocolError} If the data is not a reply. */
export async function readReply(stream: ByteStream): Promise<Reply> {
  const bytes = await readExactly(stream, REPLY_BYTES);
  const view = new DataView(bytes.buffer);
  const verdict = view.getUint8(0) as Verdict;
  if (!Object.values(Verdict).includes(verdict)) {
    throw new ProtocolError(`unknown verdict ${verdict} on a connection`);
  }
  return { verdict, number: readCount(view, 1) };
}

function readCount(view: DataView, position: number): number {
  const count = view.getFloat64(position, true);
  if (!Number.isSafeInteger(count) || count < 0) throw new ProtocolError(`invalid offset ${count}`);
  return count;
}
