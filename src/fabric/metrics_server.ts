/** Serves metrics over HTTP, for Prometheus. */

import type { Address } from "../core/address.ts";
import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { messageOf } from "../core/errors.ts";
import { type Distribution, exposition, type Metric } from "../core/metrics.ts";
import { formatAddress } from "../core/pid.ts";
import { ListenError } from "../net/part_server.ts";
import type { Setting } from "./setting.ts";

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
 * @throws {ListenError} If it cannot listen there.
 */
function serveMetrics(
  { host, port }: Address,
  measure: () => Promise<string>,
): MetricsServer {
  try {
    const server = Deno.serve({ hostname: host, port, onListen: () => {} }, async (request) => {
      if (new URL(request.url).pathname !== "/metrics") {
        return new Response("Metrics are at /metrics.\n", { status: 404 });
      }
      if (request.method !== "GET" && request.method !== "HEAD") {
        return new Response("Only GET is served.\n", { status: 405, headers: { allow: "GET" } });
      }
      return new Response(await measure(), { headers: { "content-type": TEXT_FORMAT } });
    });
    return {
      address: { host, port: server.addr.port },
      [Symbol.asyncDispose]: () => server.shutdown(),
    };
  } catch (cause) {
    const where = formatAddress(host, port);
    const why = cause instanceof Deno.errors.AddrInUse
      ? "another program already listens there"
      : messageOf(cause);
    throw new ListenError(`Cannot serve metrics on ${where}: ${why}`, { cause });
  }
}
