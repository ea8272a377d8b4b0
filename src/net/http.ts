/** What small servers need of HTTP/1.1: the head of a request, and one answer for each connection. */

import { type ByteStream, writeAll } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The end of a head: twice the end of a line. */
const END = [13, 10, 13, 10];

/** The most bytes of a head, and how many are expected. */
const MAX_HEAD_BYTES = 16 * 1024;
const USUAL_HEAD_BYTES = 1024;

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  /** What is asked for, as it was written: a path, as a rule. */
  readonly target: string;
  /** By their names in lower case; the values of several of one name are joined, as lists are. */
  readonly headers: ReadonlyMap<string, string>;
  /** What has come behind the head. */
  readonly rest: Bytes;
}

/**
 * The first bytes of a connection, with the whole head of a request, and maybe more. It costs no more than the
 * bytes that have come, in whatever pieces.
 *
 * @throws {Error} If the connection ends before, or the head is too long.
 */
export async function readHead(conn: Pick<ByteStream, "read">): Promise<Bytes> {
  let bytes = new Uint8Array(USUAL_HEAD_BYTES);
  for (let filled = 0; filled < MAX_HEAD_BYTES;) {
    if (filled === bytes.length) {
      const larger = new Uint8Array(2 * filled);
      larger.set(bytes);
      bytes = larger;
    }
    const count = await conn.read(bytes.subarray(filled));
    if (count === null) throw new Deno.errors.UnexpectedEof("it closed the connection");
    const from = Math.max(0, filled - END.length + 1);
    filled += count;
    if (headBytes(bytes.subarray(from, filled)) !== undefined) return bytes.subarray(0, filled);
  }
  throw new Error(`the head of its request is longer than ${MAX_HEAD_BYTES} bytes`);
}

/** Where the head ends, without the lines' ends; `undefined` if it is not there as a whole. */
function headBytes(bytes: Uint8Array): number | undefined {
  for (let at = bytes.indexOf(END[0]!); at >= 0; at = bytes.indexOf(END[0]!, at + 1)) {
    if (END.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return undefined;
}

/** What such bytes say; `undefined` if that is no request. */
export function parseHead(bytes: Bytes): RequestHead | undefined {
  const end = headBytes(bytes);
  if (end === undefined) return undefined;
  const [first = "", ...lines] = new TextDecoder("latin1").decode(bytes.subarray(0, end))
    .split("\r\n");
  const [, method, target] = /^([A-Z]+) ([!-~]+) HTTP\/1\.[01]$/.exec(first) ?? [];
  if (method === undefined || target === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    const before = headers.get(key);
    headers.set(key, before === undefined ? value.trim() : `${before}, ${value.trim()}`);
  }
  return { method, target, headers, rest: bytes.subarray(end + END.length) };
}

/**
 * Whether a request was meant for this machine, by its `Host`: a web page whose name leads here, by a trick of its name
 * server, asks for that name.
 */
export function isForLoopback({ headers }: RequestHead): boolean {
  const host = headers.get("host") ?? "";
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(host);
}

/** An answer, the only one on its connection. */
export interface HttpAnswer {
  /** Such as `200 OK`. */
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Its bytes; `withoutBody` as for `HEAD`. */
export function answerBytes(
  { status, headers, body }: HttpAnswer,
  { withoutBody = false }: { readonly withoutBody?: boolean } = {},
): Bytes {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(body);
  const lines = [
    `HTTP/1.1 ${status}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${bytes.length}`,
    "connection: close",
  ];
  const head = `${lines.join("\r\n")}\r\n\r\n`;
  return encoder.encode(withoutBody ? head : head + body);
}

/** Writes the last bytes of a connection, and waits until the other side has closed it. */
export async function writeLast(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  await writeAll(conn, bytes);
  await conn.closeWrite();
  // What is closed with bytes that were not read is reset, and the end of what was written may be lost.
  const rest = new Uint8Array(USUAL_HEAD_BYTES);
  while (await conn.read(rest) !== null);
}
