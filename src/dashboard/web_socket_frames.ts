/** The frames of a WebSocket (RFC 6455), as a server reads and writes them. Pure. */

type Bytes = Uint8Array<ArrayBuffer>;

const CONTINUATION = 0x0;
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;

/** Frames of control are not longer. */
const MAX_CONTROL_BYTES = 125;

/** The first bytes of a frame: its kind, its length as 8 bytes, and its mask. */
const MASK_BYTES = 4;
const MAX_HEADER_BYTES = 10 + MASK_BYTES;

/** What is added to the key of a client before it is hashed. */
const KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Why a WebSocket is closed, as codes. */
export const NORMAL = 1000;
export const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const NO_SUCH_DATA = 1003;
const NO_TEXT = 1007;
export const NO_MESSAGE = 1008;
const TOO_LONG = 1009;

/** The other side has sent what it may not. */
export class WebSocketError extends Error {
  /** With which the WebSocket is to be closed. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "WebSocketError";
    this.code = code;
  }
}

/** What has come: a whole message, or a frame of control. */
export type Received =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "ping"; readonly payload: Bytes }
  | { readonly type: "pong" }
  | { readonly type: "close" };

/** Whether a client may send that as its key: 16 bytes in base64. */
export function isKey(key: string): boolean {
  return /^[A-Za-z0-9+/]{22}==$/.test(key);
}

/** What the server answers to such a key, which shows that it knows the protocol. */
export async function answerToKey(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(key + KEY_SUFFIX);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", bytes))));
}

/** The frame of a message. */
export function textFrame(text: string): Bytes {
  return frame(TEXT, new TextEncoder().encode(text));
}

export function closeFrame(code: number): Bytes {
  return frame(CLOSE, new Uint8Array([code >> 8, code]));
}

export function pingFrame(): Bytes {
  return frame(PING, new Uint8Array());
}

export function pongFrame(payload: Bytes): Bytes {
  return frame(PONG, payload);
}

function frame(kind: number, payload: Bytes): Bytes {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8;
  const bytes = new Uint8Array(2 + size + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = FINAL | kind;
  bytes[1] = size === 0 ? length : size === 2 ? 126 : 127;
  if (size === 2) view.setUint16(2, length);
  if (size === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(payload, 2 + size);
  return bytes;
}

interface Frame {
  readonly kind: number;
  readonly isFinal: boolean;
  readonly payload: Bytes;
}

/** Finds the messages in what a client sends, in whatever pieces. It holds at most one message. */
export class WebSocketReader {
  readonly #maxBytes: number;
  /** What has come of a frame: the first `#filled` bytes. */
  readonly #buffer: Bytes;
  #filled = 0;
  /** The frames of a message that is not complete, if there is one; none of them is empty. */
  #parts: Bytes[] | undefined;
  #partBytes = 0;

  /** `maxBytes`: the longest message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#buffer = new Uint8Array(MAX_HEADER_BYTES + Math.max(maxBytes, MAX_CONTROL_BYTES));
  }

  /**
   * What `bytes` complete.
   *
   * @throws {WebSocketError} If the client does not keep to the protocol, or a message is too long.
   */
  *push(bytes: Uint8Array): Generator<Received, void> {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      let begin = 0;
      for (let size; (size = this.#frameBytes(begin)) !== undefined; begin += size) {
        const received = this.#take(this.#frame(begin, size));
        if (received !== undefined) yield received;
      }
      this.#buffer.copyWithin(0, begin, this.#filled);
      this.#filled -= begin;
    }
  }

  /** The size of the frame at `begin`; `undefined` if it has not come as a whole. */
  #frameBytes(begin: number): number | undefined {
    const left = this.#filled - begin;
    if (left < 2) return undefined;
    const [first, second] = [this.#buffer[begin]!, this.#buffer[begin + 1]!];
    if ((first & RESERVED) !== 0) throw new WebSocketError(PROTOCOL_ERROR, "a reserved bit is set");
    if ((second & MASKED) === 0) throw new WebSocketError(PROTOCOL_ERROR, "a frame has no mask");
    const header = headerBytes(second);
    if (left < header) return undefined;
    const length = this.#payloadBytes(begin);
    // Of control: it may come between the frames of a message.
    if (isControl(first)) {
      if ((first & FINAL) === 0 || length > MAX_CONTROL_BYTES) {
        throw new WebSocketError(PROTOCOL_ERROR, "a frame of control is too long");
      }
    } else if (length > this.#maxBytes - this.#partBytes) {
      throw new WebSocketError(TOO_LONG, `a message has more than ${this.#maxBytes} bytes`);
    }
    return left < header + length ? undefined : header + length;
  }

  #payloadBytes(begin: number): number {
    const view = new DataView(this.#buffer.buffer, begin);
    const short = view.getUint8(1) & ~MASKED;
    if (short < 126) return short;
    return short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
  }

  #frame(begin: number, size: number): Frame {
    const first = this.#buffer[begin]!;
    const header = headerBytes(this.#buffer[begin + 1]!);
    const mask = this.#buffer.subarray(begin + header - MASK_BYTES, begin + header);
    const payload = this.#buffer.slice(begin + header, begin + size);
    for (let at = 0; at < payload.length; at++) payload[at]! ^= mask[at % MASK_BYTES]!;
    return { kind: first & 0x0f, isFinal: (first & FINAL) !== 0, payload };
  }

  #take({ kind, isFinal, payload }: Frame): Received | undefined {
    switch (kind) {
      case PING:
        return { type: "ping", payload };
      case PONG:
        return { type: "pong" };
      case CLOSE:
        return { type: "close" };
      case TEXT:
        if (this.#parts !== undefined) {
          throw new WebSocketError(PROTOCOL_ERROR, "a message begins within another one");
        }
        return this.#add([], payload, isFinal);
      case CONTINUATION:
        if (this.#parts === undefined) {
          throw new WebSocketError(PROTOCOL_ERROR, "there is no message to continue");
        }
        return this.#add(this.#parts, payload, isFinal);
      default:
        throw new WebSocketError(NO_SUCH_DATA, "only text is taken");
    }
  }

  #add(parts: Bytes[], payload: Bytes, isFinal: boolean): Received | undefined {
    if (payload.length > 0) parts.push(payload);
    this.#parts = isFinal ? undefined : parts;
    this.#partBytes = isFinal ? 0 : this.#partBytes + payload.length;
    return isFinal ? { type: "text", text: textOf(parts) } : undefined;
  }
}

function isControl(first: number): boolean {
  return (first & 0x08) !== 0;
}

/** How long the header of a frame is that has this second byte. */
function headerBytes(second: number): number {
  const short = second & ~MASKED;
  return 2 + (short < 126 ? 0 : short === 126 ? 2 : 8) + MASK_BYTES;
}

function textOf(parts: readonly Bytes[]): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return parts.map((part) => decoder.decode(part, { stream: true })).join("") + decoder.decode();
  } catch {
    throw new WebSocketError(NO_TEXT, "a message is not UTF-8");
  }
}
