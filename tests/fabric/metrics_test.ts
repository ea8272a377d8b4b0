/** What Prometheus is told of a cluster. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { bridgeMetrics } from "../../src/bridge/bridge_metrics.ts";
import { nodeMetrics } from "../../src/master/node_metrics.ts";
import { RoomMeter } from "../../src/master/room_meter.ts";
import { NodeMeter } from "../../src/node/node_meter.ts";
import { parseAddress } from "../../src/core/address.ts";
import { createLogger } from "../../src/core/logger.ts";
import { ConnectError, dialPart, loadCredential } from "../../src/net/connect.ts";
import type { FabricOptions } from "../../src/cli/fabric_arguments.ts";
import { metricsOf } from "../../src/fabric/metrics_server.ts";
import { createReporter } from "../../src/fabric/report.ts";
import { importKey } from "../../src/net/handshake.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { newSecret } from "../../src/net/secret.ts";
import { CLI, deploy, Project } from "../system/deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";
import { within } from "../within.ts";
import { startCluster } from "./cluster.ts";

const QUIET = createLogger("error", () => {});

const PROGRAM = `
import { init, spawn, wait } from "deploy";
function worker() {
  console.log("0123456789".repeat(100));
}
await init({ functions: { worker } });
for (let index = 0; index < 3; index++) await wait(await spawn(worker));
console.error("done");
`;

/** Sends 5 values of 1 kB to another process, and waits for the end of stdin. */
const SENDS = `
import { init, type Pid, Receiver, Sender, spawn } from "deploy";
async function worker(parent: Pid) {
  await using values = new Receiver<Uint8Array>(parent);
  for (let index = 0; index < 5; index++) await values.recv();
  console.log("received");
  await values.recv().catch(() => {});
}
await init({ functions: { worker } });
{
  await using values = new Sender<Uint8Array>(await spawn(worker));
  for (let index = 0; index < 5; index++) await values.send(new Uint8Array(1_000));
  for await (const _ of Deno.stdin.readable);
}
`;

/** What such a server answers: the text, and the values of its samples by name and labels. */
async function scrape(address: string): Promise<{ text: string; values: Map<string, number> }> {
  const response = await fetch(`http://${address}/metrics`);
  assertEquals(
    [response.status, response.headers.get("content-type")],
    [200, "text/plain; version=0.0.4; charset=utf-8"],
  );
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return {
    text,
    values: new Map(lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    })),
  };
}

/** How long the parts of a cluster may take to tell each other of an end, on a busy machine. */
const TOLD_MS = 30_000;

/** As {@linkcode scrape}, once these samples have these values: a part learns of an end when it is told. */
async function scrapeOnce(
  address: string,
  expected: Readonly<Record<string, number>>,
): ReturnType<typeof scrape> {
  let scraped = await scrape(address);
  const others = (): string[] =>
    Object.entries(expected).flatMap(([name, value]) => {
      const found = scraped.values.get(name);
      return found === value ? [] : [`${name} is ${found}, not ${value}`];
    });
  await within(
    TOLD_MS,
    async () => {
      if (others().length > 0) scraped = await scrape(address);
      return others().length === 0;
    },
    () => others().join("\n"),
  );
  return scraped;
}

/** Whether `promtool`, of Prometheus, finds nothing to complain about. */
async function lint(text: string): Promise<string> {
  const child = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("fabric --metrics tells Prometheus of nodes, room, processes, runs and output", async () => {
  await using cluster = await startCluster({
    nodes: [{ mem: "1GiB", cpu: 2 }, { mem: "2GiB", cpu: 4 }],
    options: ["--metrics", "127.0.0.1:0"],
  });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const { code, stderr } = await deploy([cluster.bridge, "main.ts"], { cwd: project.folder });
  assertEquals(code, 0, stderr);
  const [own, other] = cluster.addresses as [string, string];
  const master = await scrapeOnce(await cluster.master.ready("metrics"), {
    'deploy_nodes{state="up"}': 2,
    [`deploy_node_memory_bytes{node="${other}"}`]: 2 * 1024 ** 3,
    [`deploy_node_cores{node="${own}"}`]: 2,
    [`deploy_node_memory_asked_bytes{node="${own}"}`]: 0,
    "deploy_spawns_waiting": 0,
    'deploy_spawn_requests_total{outcome="granted"}': 4,
    "deploy_spawn_wait_seconds_count": 4,
    "deploy_bridges": 1,
    "deploy_bridge_restarts_total": 0,
    'deploy_runs{state="ended"}': 1,
    'deploy_runs{state="running"}': 0,
    [`deploy_processes{node="${own}"}`]: 0,
  });
  const node = await scrapeOnce(await cluster.nodes[0]!.ready("metrics"), {
    [`deploy_processes{node="${other}"}`]: 0,
  });
  for (const { text } of [master, node]) assertEquals(await lint(text), "", text);
  assert(!master.text.includes("deploy_run_processes{"), "a run that has ended is only counted");

  const both = (name: string): number => {
    const named = (address: string) => name.replace("NODE", `node="${address}"`);
    return master.values.get(named(own))! + node.values.get(named(other))!;
  };
  assertEquals(both("deploy_processes_started_total{NODE}"), 4);
  assertEquals(both('deploy_processes_ended_total{NODE,how="success"}'), 4);
  assertEquals(both('deploy_output_bytes_total{NODE,stream="stdout"}'), 3 * 1_001);
  assertEquals(both('deploy_output_bytes_total{NODE,stream="stderr"}'), 5);
  const received =
    `deploy_artifact_received_bytes_total{part="bridge",address="${cluster.bridge}"}`;
  assert(master.values.get(received)! > 100_000);
});

Deno.test("while a run goes on, its processes, output and channels are counted", async () => {
  await using cluster = await startCluster({
    nodes: [{ mem: "1GiB", cpu: 2 }],
    options: ["--metrics", "127.0.0.1:0"],
  });
  await using project = await Project.make({ "main.ts": SENDS });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, cluster.bridge, "main.ts"],
    cwd: project.folder,
    env: { DEPLOY_SECRET_FILE: SECRET_FILE },
    ...{ stdin: "piped", stdout: "piped", stderr: "null" },
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await output.read()).value, "received\n");
  const address = await cluster.master.ready("metrics");
  const { text } = await scrape(address);
  const labels = /deploy_run_processes(\{.*\})/.exec(text)?.[1] ?? "";
  assertMatch(labels, /^\{run="[a-z]{4}-[a-z]{4}",name="main\.ts"\}$/);
  const { values } = await scrapeOnce(address, {
    [`deploy_run_processes${labels}`]: 2,
    [`deploy_run_output_bytes_total${labels}`]: 9,
    [`deploy_run_channel_values_total${labels}`]: 5,
  });
  assert(values.get(`deploy_run_channel_bytes_total${labels}`)! > 5_000);
  await child.stdin.close();
  assertEquals((await output.read()).done, true);
  assertEquals((await child.status).code, 0);
});

Deno.test("docs/metrics.md lists each metric, and the dashboard for Grafana uses no others", async () => {
  const root = new URL("../../", import.meta.url);
  const docs = await Deno.readTextFile(new URL("docs/metrics.md", root));
  const listed = new Set(
    Array.from(docs.matchAll(/^\| `([a-z_]+)`/gm), ([, name]) => name),
  );
  const board = await Deno.readTextFile(new URL("scripts/grafana/cluster.json", root));
  const used = new Set(
    Array.from(board.matchAll(/deploy_[a-z_]+/g), ([name]) => name.replace(/_bucket$/, "")),
  );
  assertEquals([...used].filter((name) => !listed.has(name)), []);
  const node = new NodeMeter().metrics("n", 0);
  const refused = { secret: 0, other: 0 };
  const measures = {
    runs: [],
    present: new Map(),
    viewers: 0,
    receivedBytes: 0,
    address: "b",
    ...{ refused },
  };
  const made = [
    ...node,
    ...bridgeMetrics(measures),
    ...nodeMetrics([]),
    ...new RoomMeter(() => 0).metrics(),
  ];
  assertEquals(made.map(({ name }) => name).filter((name) => !listed.has(name)), []);
});

Deno.test("a server of metrics counts who was refused, and serves only metrics, and only to who reads", async () => {
  await using cluster = await startCluster({
    nodes: [{ mem: "1GiB", cpu: 2 }],
    options: ["--metrics", "127.0.0.1:0"],
  });
  const url = `http://${await cluster.master.ready("metrics")}`;
  const node = { part: "node", address: cluster.addresses[0]! };
  const bridge = { part: "bridge", address: cluster.bridge };
  const refused = async ({ part, address }: typeof node): Promise<(number | undefined)[]> => {
    const { values } = await scrape(new URL(url).host);
    const labels = `part="${part}",address="${address}"`;
    return ["secret", "other"].map((why) =>
      values.get(`deploy_refused_connections_total{${labels},why="${why}"}`)
    );
  };
  assertEquals([await refused(node), await refused(bridge)], [[0, 0], [0, 0]]);
  const own = await loadCredential({ secretFile: SECRET_FILE, logger: QUIET });
  const credential = { ...own, key: await importKey(newSecret()) };
  for (const [part, purpose] of [[node, Purpose.join], [bridge, Purpose.view]] as const) {
    const address = parseAddress(part.address)!;
    await assertRejects(() => dialPart(address, purpose, credential), ConnectError);
    while ((await refused(part))[0] === 0);
    assertEquals(await refused(part), [1, 0]);
  }
  const elsewhere = await fetch(`${url}/runs`);
  assertEquals([elsewhere.status, await elsewhere.text()], [404, "Metrics are at /metrics.\n"]);
  const posted = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
  assertEquals([posted.status, await posted.text()], [405, "Only GET is served.\n"]);
});

Deno.test("connections that ask for no metrics go when others come, which are answered", async () => {
  const silent: Deno.TcpConn[] = [];
  const reporter = createReporter("human", "error", {
    ...{ out: () => {}, error: () => {}, now: () => new Date() },
  });
  {
    const at = { host: "127.0.0.1", port: 0 };
    await using server = metricsOf({ reporter }, { metrics: at } as FabricOptions, () => []);
    const { host: hostname, port } = server!.address;
    for (let count = 0; count < 400; count++) silent.push(await Deno.connect({ hostname, port }));
    const response = await fetch(`http://${hostname}:${port}/metrics`);
    assertMatch(await response.text(), /^process_start_time_seconds \d/m);
    // The oldest have been closed.
    for (const conn of silent.slice(0, 400 - 256)) {
      assertEquals(await conn.read(new Uint8Array(1)).catch(() => null), null);
    }
  }
  for (const conn of silent) conn.close();
});
