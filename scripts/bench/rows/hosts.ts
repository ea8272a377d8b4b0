/** Channels between hosts, which are encrypted: two nodes of a cluster on this machine count as two hosts. */

import { DevCluster, NODE_CPU, projectPath } from "../cluster.ts";
import { Commanded } from "../commanded.ts";
import { programPath, startProgram } from "../deno_program.ts";
import { openRow } from "../open.ts";
import { requireProc, settled } from "../processes.ts";
import type { OpenRow, Row } from "../row.ts";

type Kind = "roundTrips" | "arrays" | "firsts";

/** The first process takes a whole node, so that the other one is on the second. */
function deployed(cluster: DevCluster, kind: Kind): Commanded {
  const size = ["--cpu", String(NODE_CPU)];
  return new Commanded(Deno.execPath(), {
    args: [
      ...["run", "-A", projectPath("cli.ts"), ...size, cluster.bridge],
      ...[programPath("channels.ts"), "--", kind],
    ],
    env: { DEPLOY_FORMAT: "", DEPLOY_LOG: "", DEPLOY_SECRET_FILE: "", DEPLOY_RESOURCES: "" },
  });
}

async function open(kind: Kind, baseline: string, transport: "tcp" | "tls"): Promise<OpenRow> {
  requireProc();
  await using held = new AsyncDisposableStack();
  const cluster = held.use(await DevCluster.start());
  const channel = held.use(deployed(cluster, kind));
  const bare = held.use(startProgram("tcp.ts", { args: [kind, transport] }));
  return openRow([
    {
      name: "channel between two nodes",
      async measure() {
        if (kind === "firsts") await settled(cluster.pid); // until there is a spare
        return await channel.ask(kind);
      },
    },
    { name: baseline, measure: () => bare.ask(kind) },
  ], [held.move()]);
}

export const HOSTS_ARRAYS: Row = {
  name: "hosts-arrays",
  title: "between hosts, encrypted: 1 MiB Uint8Arrays one way",
  unit: "MB/s",
  goal: { judges: "ratio", better: "more", must: 0.75, stretch: 0.9 },
  rounds: 7,
  open: () => open("arrays", "bare TLS of Deno, into one buffer", "tls"),
};

export const HOSTS_ROUND_TRIP: Row = {
  name: "hosts-roundtrip",
  title: "between hosts, encrypted: 16 B there and back, p50",
  unit: "µs",
  goal: { judges: "ratio", better: "less", must: 1.3, stretch: 1.15 },
  rounds: 7,
  open: () => open("roundTrips", "bare TLS echo of Deno", "tls"),
};

export const HOSTS_FIRST: Row = {
  name: "hosts-first",
  title:
    "between hosts, encrypted: the first value on a new channel of a process that was spawned, spare at hand",
  unit: "ms",
  goal: { judges: "difference", better: "less", must: 10, stretch: 4 },
  rounds: 15,
  open: () => open("firsts", "bare TCP connect and first byte", "tcp"),
};
