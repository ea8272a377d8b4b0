/**
 * How a trace goes on in a process that is spawned: in the variables that OpenTelemetry has for that,
 * `TRACEPARENT` and its kin (https://opentelemetry.io/docs/specs/otel/context/env-carriers/).
 */

import { type Carrier, Span, SpanKind } from "../core/tracing.ts";
import type { Environment } from "./environment.ts";

/** What such variables are called, without their case. */
const CARRIED = ["traceparent", "tracestate", "baggage"] as const;

/** The span of a spawn, from its call until the process runs; `undefined` where nothing is traced. */
export function beginSpawn(name: string): Span | undefined {
  const attributes = { "deploy.name": name };
  return Span.begin(`spawn ${name}`, { kind: SpanKind.producer, attributes });
}

/** The variables that a process needs to go on with the trace of a span. */
export function traceVariables(span: Span): Environment {
  return Object.fromEntries(
    Object.entries(span.carrier).map(([key, value]) => [key.toUpperCase(), value]),
  );
}

/**
 * The function that a process was spawned for, in a span that goes on with its parent's trace; the function
 * itself where nothing is traced.
 */
export function traced(
  run: (arg: unknown) => unknown,
  process: { readonly function: string; readonly name: string; readonly pid: string },
): (arg: unknown) => unknown {
  const attributes = { "deploy.pid": process.pid, "deploy.name": process.name };
  const options = { kind: SpanKind.consumer, attributes };
  const span = Span.begin(process.function, options, ownCarrier);
  if (span === undefined) return run;
  return async (arg) => {
    try {
      const result = await span.run(() => run(arg));
      span.end();
      return result;
    } catch (error) {
      span.fail(error);
      throw error;
    }
  };
}

/** The context that this process was given. */
function ownCarrier(): Carrier {
  const found = CARRIED.map((key) => [key, Deno.env.get(key.toUpperCase())] as const);
  return Object.fromEntries(
    found.filter((pair): pair is [typeof pair[0], string] => pair[1] !== undefined),
  );
}
