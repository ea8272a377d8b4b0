/** Serves metrics over HTTP, for Prometheus. */

import type { Address } from "../core/address.ts";
import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type Distribution, exposition, type Metric } from "../core/metrics.ts";
import { formatAddress } from "../core/pid.ts";
import { Admission } from "../net/admission.ts";
import {
  answerBytes,
  type HttpAnswer,
  parseHead,
  readHead,
  type RequestHead,
  writeLast,
} from "../net/http.ts";
import { closeQuietly } from "../net/transport.ts";
import { ListenError } from "../net/part_server.ts";
import type { Setting } from "./setting.ts";

/** How many connections there may be, and how long each may take: Prometheus itself waits for 10 s, unless told otherwise. */
const MAX_CONNECTIONS = 256;
const ANSWER_MS = 10_000;

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
  const head = parseHead(await readHead(conn));
  const withoutBody = head?.method === "HEAD";
  await writeLast(conn, answerBytes(await answerTo(head, measure), { withoutBody }));
}

/** The answer to a request. */
async function answerTo(
  head: RequestHead | undefined,
  measure: () => Promise<string>,
): Promise<HttpAnswer> {
  const plain = { "content-type": "text/plain; charset=utf-8" };
  const [, path] = /^(?:http:\/\/[^/?]*)?(\/[^?]*)(?:\?.*)?$/.exec(head?.target ?? "") ?? [];
  if (head === undefined || path === undefined) {
    return { status: "400 Bad Request", headers: plain, body: "Not a request.\n" };
  }
  if (path !== "/metrics") {
    return { status: "404 Not Found", headers: plain, body: "Metrics are at /metrics.\n" };
  }
  if (head.method !== "GET" && head.method !== "HEAD") {
    const headers = { ...plain, allow: "GET, HEAD" };
    return { status: "405 Method Not Allowed", headers, body: "Only GET is served.\n" };
  }
  return { status: "200 OK", headers: { "content-type": TEXT_FORMAT }, body: await measure() };
}
