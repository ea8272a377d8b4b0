/** Serves metrics over HTTP, for Prometheus. */

import type { Address } from "../core/address.ts";
import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { isWholeHead, MAX_HEAD_BYTES } from "../cli/http_head.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type Distribution, exposition, type Metric } from "../core/metrics.ts";
import { formatAddress } from "../core/pid.ts";
import { Admission } from "../net/admission.ts";
import { writeAll } from "../net/handshake.ts";
import { ListenError } from "../net/part_server.ts";
import { closeQuietly } from "../net/transport.ts";
import type { Setting } from "./setting.ts";

/** How many connections there may be, and how long each may take: Prometheus itself waits for 10 s, unless told otherwise. */
const MAX_CONNECTIONS = 256;
const ANSWER_MS = 10_000;

const encoder = new TextEncoder();

/** What a fabric measures now. */
export type Measure = () =>
  | readonly (Metric | Distribution)[]
  | Promise<readonly (Metric | Distribution)[]>;

/** The type of version 0.0.4 of Prometheus' text format. */
const TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8";

/** A server of metrics. Disposing of it stops it. */
export interface MetricsServer extends AsyncDisposable {
  /** Its address, with the actual port. */
  readonly address: Address;
}

/**
 * Serves the metrics of a fabric at the address of its options, and reports that.
 *
 * @returns `undefined` if the options do not ask for that.
 * @throws {ListenError} If it cannot listen there.
 */
export function metricsOf(
  { reporter }: Pick<Setting, "reporter">,
  { metrics: at }: Pick<FabricOptions, "metrics">,
  measure: Measure,
): MetricsServer | undefined {
  if (at === undefined) return undefined;
  const startMs = Date.now();
  const server = serveMetrics(
    at,
    reporter.logger,
    async () => exposition([...await measure(), ...processMetrics(startMs)]),
  );
  reporter.ready("metrics", formatAddress(server.address.host, server.address.port));
  return server;
}

/** Those of every program, by their usual names. */
function processMetrics(startMs: number): Metric[] {
  return [
    {
      ...{ name: "process_start_time_seconds", type: "gauge" },
      help: "When this fabric was started, in seconds since the epoch.",
      samples: [{ value: startMs / 1_000 }],
    },
    {
      ...{ name: "process_resident_memory_bytes", type: "gauge" },
      help: "Memory of this fabric.",
      samples: [{ value: Deno.memoryUsage().rss }],
    },
  ];
}

/**
 * Answers `GET /metrics` at that address with the text that `measure` gives then. Whoever reaches the address
 * may read it: it holds the names of runs and the addresses of nodes, and nothing that programs wrote.
 *
 * A connection has one answer, and as long for it as {@linkcode ANSWER_MS}; there are at most
 * {@linkcode MAX_CONNECTIONS}. So those who reach the address do not take the files that the fabric may open.
 *
 * @throws {ListenError} If it cannot listen there.
 */
function serveMetrics(
  { host, port }: Address,
  logger: Logger,
  measure: () => Promise<string>,
): MetricsServer {
  let listener: Deno.TcpListener;
  try {
    listener = Deno.listen({ hostname: host, port });
  } catch (cause) {
    const where = formatAddress(host, port);
    const why = cause instanceof Deno.errors.AddrInUse
      ? "another program already listens there"
      : messageOf(cause);
    throw new ListenError(`Cannot serve metrics on ${where}: ${why}`, { cause });
  }
  const admission = new Admission<Deno.TcpConn, void>({
    ...{ listener, max: MAX_CONNECTIONS, timeoutMs: ANSWER_MS },
    task: "ask for metrics and take them",
    authenticate: (conn) => answer(conn, measure),
    take: closeQuietly,
    log: ({ host, line }) => logger.about(host, `metrics: ${line}`),
  });
  return {
    address: { host, port: listener.addr.port },
    [Symbol.asyncDispose]: () => admission.close(),
  };
}

/** Reads one request, and answers it; resolves when the other side has closed the connection. */
async function answer(conn: Deno.TcpConn, measure: () => Promise<string>): Promise<void> {
  const buffer = new Uint8Array(MAX_HEAD_BYTES);
  let filled = 0;
  while (!isWholeHead(buffer.subarray(0, filled))) {
    const count = filled === buffer.length ? 0 : await conn.read(buffer.subarray(filled));
    if (count === null) throw new Deno.errors.UnexpectedEof("it closed the connection");
    if (count === 0) throw new Error(`the head of its request is longer than ${filled} bytes`);
    filled += count;
  }
  const [line = ""] = new TextDecoder("latin1").decode(buffer.subarray(0, filled)).split("\r\n");
  await writeAll(conn, await answerTo(line, measure));
  await conn.closeWrite();
  // What is closed with bytes that were not read is reset, and the answer may be lost.
  while (await conn.read(buffer) !== null);
}

/** The bytes of the answer to a request whose first line that is. */
async function answerTo(line: string, measure: () => Promise<string>): Promise<Uint8Array> {
  const [, method, path] =
    /^([A-Z]+) (?:http:\/\/[^/ ?]*)?(\/[^ ?]*)(?:\?[^ ]*)? HTTP\/1\.[01]$/.exec(line) ?? [];
  const plain = "content-type: text/plain; charset=utf-8";
  if (path === undefined) return response("400 Bad Request", [plain], "Not a request.\n");
  if (path !== "/metrics") return response("404 Not Found", [plain], "Metrics are at /metrics.\n");
  if (method !== "GET" && method !== "HEAD") {
    const headers = [plain, "allow: GET, HEAD"];
    return response("405 Method Not Allowed", headers, "Only GET is served.\n");
  }
  const headers = [`content-type: ${TEXT_FORMAT}`];
  return response("200 OK", headers, await measure(), method === "GET");
}

function response(
  status: string,
  headers: readonly string[],
  body: string,
  hasBody = true,
): Uint8Array {
  const bytes = encoder.encode(body);
  const all = [...headers, `content-length: ${bytes.length}`, "connection: close"];
  const head = `HTTP/1.1 ${status}\r\n${all.join("\r\n")}\r\n\r\n`;
  return encoder.encode(hasBody ? head + body : head);
}
