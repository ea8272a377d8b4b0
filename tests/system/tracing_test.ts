/** A trace of OpenTelemetry that goes on in spawned processes and calls of a pool; the test is the collector. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { isPid } from "../../src/core/pid.ts";
import { startCluster } from "../fabric/cluster.ts";
import { within } from "../within.ts";
import { deploy, Project } from "./deploy_harness.ts";

const PROGRAM = `
import { init, spawn, wait } from "deploy";
import { Pool, task } from "deploy/pool";
const square = task("square", (n: number) => n * n);
const refuse = task("refuse", async () => {
  await undefined;
  throw new Error("refused");
});
async function worker() {
  await using pool = await Pool.start({ size: 1 });
  console.log(await pool.run(square, 3));
  await pool.run(refuse, undefined).catch((error) => console.log(error.message));
}
await init({ functions: { worker } });
await wait(await spawn(worker));
`;

/** What is compared of a span. */
interface Seen {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly failed: string | undefined;
  /** Attributes of this system. */
  readonly pid: string | undefined;
  readonly process: string | undefined;
}

interface Exported {
  resourceSpans: {
    scopeSpans: {
      scope: { name: string };
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        status: { code: number; message: string };
        attributes: { key: string; value: { stringValue?: string } }[];
      }[];
    }[];
  }[];
}

/** Collects what is exported to it as OTLP in JSON. */
class Collector implements AsyncDisposable {
  readonly spans: Seen[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => this.#take(request),
  );

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async #take(request: Request): Promise<Response> {
    const isTrace = new URL(request.url).pathname === "/v1/traces";
    const { resourceSpans = [] } = await request.json() as Partial<Exported>;
    for (const { scopeSpans } of isTrace ? resourceSpans : []) {
      for (const { spans } of scopeSpans.filter(({ scope }) => scope.name === "deploy")) {
        for (const { name, traceId, spanId, parentSpanId = "", status, attributes } of spans) {
          const failed = status.code === 2 ? status.message : undefined;
          const found = (wanted: string) =>
            attributes.find(({ key }) => key === wanted)?.value.stringValue;
          const [pid, process] = [found("deploy.pid"), found("deploy.name")];
          const ids = { trace: traceId, id: spanId, parent: parentSpanId };
          this.spans.push({ name, ...ids, failed, pid, process });
        }
      }
    }
    return Response.json({});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

Deno.test("a spawn and a call of a pool are spans of one trace, across processes and nodes", async () => {
  await using collector = new Collector();
  await using cluster = await startCluster({
    nodes: [{ mem: "4GiB", cpu: 4 }, { mem: "4GiB", cpu: 4 }],
  });
  const pool = new URL("../../src/pool/mod.ts", import.meta.url).href;
  await using project = await Project.make({ "main.ts": PROGRAM }, {}, { "deploy/pool": pool });
  const variables = {
    OTEL_DENO: "true",
    OTEL_DENO_CONSOLE: "ignore",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  };
  const { code, stdout, stderr } = await deploy([
    ...Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...[cluster.bridge, "main.ts"],
  ], { cwd: project.folder });
  assertEquals([code, stdout], [0, "9\nrefused\n"], stderr);

  // Each process has sent its spans before it ended; the last ones may be on their way through this process.
  await within(30_000, () => collector.spans.length >= 8, () => JSON.stringify(collector.spans));
  const { spans } = collector;
  const names = new Map(spans.map(({ id, name }) => [id, name]));
  const tree = spans.map(({ name, parent, failed }) => [
    ...[name, names.get(parent) ?? "none"],
    ...(failed === undefined ? [] : [failed]),
  ]);
  assertEquals(tree.map((span) => span.join(" < ")).sort(), [
    "call refuse < worker < refused",
    "call square < worker",
    "deploy/pool < spawn pool",
    "refuse < call refuse < refused",
    "spawn pool < worker",
    "spawn worker < none",
    "square < call square",
    "worker < spawn worker",
  ]);
  assertEquals(new Set(spans.map(({ trace }) => trace)).size, 1);

  const named = (wanted: string) => spans.find(({ name }) => name === wanted);
  assertEquals(named("worker")?.pid, named("spawn worker")?.pid);
  assertEquals(named("square")?.pid, named("spawn pool")?.pid);
  const processes = ["worker", "deploy/pool"].map((name) => named(name)?.process);
  assertEquals(processes, ["worker", "pool"]);
  assert(isPid(named("worker")?.pid) && isPid(named("square")?.pid));
});
