/**
 * The frames of a connection between two processes: their types, header and limits, and the sizes of windows,
 * which are how much one process holds for another.
 *
 * A frame is 1 byte of type, 3 bytes of length (little-endian), and that many bytes of payload. All frames
 * of one direction, one after the other, are that direction's stream; its bytes are counted from the first
 * connection of the two processes on, and a position in it is an offset. A broken connection is replaced by
 * another one, which resumes at the offset that the receiver has reached.
 *
 * Fields of a payload are little-endian. docs/protocol.md describes each frame.
 */

import { ProtocolError } from "../core/errors.ts";

/**
 * The types of frames. The numbers are part of the protocol: new ones are appended.
 *
 * The frames of the first group belong to the current channel of their direction, and have to be
 * acknowledged before their process may end: see {@linkcode isVital}.
 */
export const FrameType = {
  /** A whole value: its encoded bytes. */
  value: 1,
  /** The first piece of a value: its {@linkcode Layout}, then bytes. */
  first: 2,
  /** The next piece of the value that `first` began; the value ends with the one that completes it. */
  more: 3,
  /** The rest of the value that `first` began is not sent. */
  cancel: 4,
  /** The Sender was closed: nothing follows on this channel. */
  end: 5,
  /** An encoded value, the reason: the Sender was aborted, and nothing follows on this channel. */
  abort: 6,

  /** u32: the channel of that number is the current one from here on. */
  channel: 7,
  /** u32 number, then the name in UTF-8: a channel begins, and is the current one from here on. */
  open: 8,

  /** u32: there is a Receiver for the channel of that number, which now has its full window. */
  accept: 9,
  /** u32 number, u32 {@linkcode StopReason}: the receiver accepts nothing more on that channel. */
  stop: 10,
  /** u32 number, u32 bytes: credit, the bytes of that channel's window that its receiver no longer holds. */
  credit: 11,

  /** f64: all frames up to this offset of the other direction have arrived. */
  ack: 12,
  /** Asks for an `ack` now. */
  ask: 13,
  /** This side has no open channel end and nothing in flight, until it sends `busy`. */
  idle: 14,
  /** This side needs the connection again. */
  busy: 15,
  /** u32, the exit code: this process ends by itself, and only an `ack` may still be sent to it. */
  bye: 16,
  /**
   * Nothing follows on this connection in this direction. The only frame that is not part of the stream:
   * another connection may continue it.
   */
  fin: 17,
} as const;

/** A number of {@linkcode FrameType}. */
export type FrameType = typeof FrameType[keyof typeof FrameType];

/** Why a receiving process accepts nothing on a channel. The numbers are part of the protocol. */
export const StopReason = {
  /** The Receiver was closed. */
  closed: 0,
  /** It has too many channels without a Receiver. */
  crowded: 1,
} as const;

/** Whether the process that wrote a frame of this type has to wait until it is acknowledged. */
export function isVital(type: FrameType): boolean {
  return type <= FrameType.abort;
}

/**
 * The window of a channel: how many bytes may be in flight or unread. A `value` frame counts with its
 * header, so that small values do not cost their receiver more than this; a piece counts without its
 * header.
 */
export const WINDOW_BYTES = 1024 * 1024;

/** The window of a channel without a Receiver; also its largest value. */
export const FIRST_WINDOW_BYTES = 64 * 1024;

/** How many channels without a Receiver a process holds per peer. */
export const MAX_UNRECEIVED_CHANNELS = 1_000;

/** A receiver gives credit in portions of this size, not per value. */
export const CREDIT_BYTES = WINDOW_BYTES / 8;

/** The largest will: what a process may leave to be delivered in its name. */
export const MAX_WILL_BYTES = 1024 * 1024 * 1024;

/** Bytes of a frame's header. */
export const HEADER_BYTES = 4;

/** The longest name of a channel, in UTF-8. */
export const MAX_NAME_BYTES = 255;

/** The largest payload of a `value` frame; larger values are sent in pieces. */
export const MAX_VALUE_BYTES = 32 * 1024;

/**
 * The largest payload of a `first` or `more` frame: a little more than a window, so that an array of that
 * size fits into one piece, with its description. A piece is handed to the system in one write.
 */
export const MAX_PIECE_BYTES = WINDOW_BYTES + 64 * 1024;

/** The largest value, encoded: what one buffer of the runtime can hold. */
export const MAX_MESSAGE_BYTES = 2 ** 32 - 1;

/** Bytes of the {@linkcode Layout} in front of a `first` frame's piece. */
export const LAYOUT_BYTES = 12;

/**
 * The position of the largest buffer in an encoded value. Its receiver reads the contents into a separate
 * buffer, which the program gets: this saves one copy of 1 MiB.
 */
export interface Layout {
  /** The bytes of the whole value. */
  readonly length: number;
  readonly bufferStart: number;
  /** 0 if no buffer is large enough to be worth it. */
  readonly bufferSize: number;
}

/** The payload sizes of frames with a fixed size. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  [FrameType.cancel]: 0,
  [FrameType.end]: 0,
  [FrameType.channel]: 4,
  [FrameType.accept]: 4,
  [FrameType.stop]: 8,
  [FrameType.credit]: 8,
  [FrameType.ack]: 8,
  [FrameType.ask]: 0,
  [FrameType.idle]: 0,
  [FrameType.busy]: 0,
  [FrameType.bye]: 4,
  [FrameType.fin]: 0,
};

/** Whether a frame of `type` may have a payload of `length` bytes. */
export function isFrame(type: number, length: number): boolean {
  if (type === FrameType.value) return length > 0 && length <= MAX_VALUE_BYTES;
  if (type === FrameType.more) return length > 0 && length <= MAX_PIECE_BYTES;
  if (type === FrameType.first) return length > LAYOUT_BYTES && length <= MAX_PIECE_BYTES;
  if (type === FrameType.abort) return length > 0 && length <= MAX_VALUE_BYTES;
  if (type === FrameType.open) return length >= 4 && length <= 4 + MAX_NAME_BYTES;
  return FIXED_BYTES[type] === length;
}

/** Writes a header at `position`; returns the position after it. */
export function writeHeader(
  target: Uint8Array,
  position: number,
  type: FrameType,
  length: number,
): number {
  target[position] = type;
  target[position + 1] = length & 0xff;
  target[position + 2] = (length >>> 8) & 0xff;
  target[position + 3] = length >>> 16;
  return position + HEADER_BYTES;
}

/** The length of the frame whose header stands at `position`. */
export function readLength(source: Uint8Array, position: number): number {
  return source[position + 1]! | (source[position + 2]! << 8) | (source[position + 3]! << 16);
}

/** Writes three 32-bit numbers at `position`. */
export function writeLayout(target: DataView, position: number, layout: Layout): void {
  target.setUint32(position, layout.length, true);
  target.setUint32(position + 4, layout.bufferStart, true);
  target.setUint32(position + 8, layout.bufferSize, true);
}

/**
 * Reads the output of {@linkcode writeLayout}.
 *
 * @throws {ProtocolError} If the buffer does not lie within the value.
 */
export function readLayout(source: DataView, position: number): Layout {
  const length = source.getUint32(position, true);
  const bufferStart = source.getUint32(position + 4, true);
  const bufferSize = source.getUint32(position + 8, true);
  if (bufferStart + bufferSize > length) {
    throw new ProtocolError(
      `a value of ${length} bytes with a buffer from ${bufferStart} to ${bufferStart + bufferSize}`,
    );
  }
  return { length, bufferStart, bufferSize };
}
