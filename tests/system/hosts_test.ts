/** Programs on several hosts: their processes reach each other by their Pids, on any host. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { newSecretText } from "../../src/fabric/secret_file.ts";
import { HostCluster } from "../chaos/host_cluster.ts";
import { Deployed } from "../fabric/deployed.ts";
import type { JsonEvent } from "./helpers.ts";
import { networkTest } from "./netns.ts";

type Spawn = Extract<JsonEvent, { event: "spawn" }>;

/**
 * Six processes; each node has room for three at most. The first one sends each the Pids of all, and
 * each sends its own to each of the others.
 */
const MEETING = `
import { init, MiB, pid, Receiver, Sender, spawn, wait } from "deploy";
async function member(parent) {
  await using receiver = new Receiver(parent);
  const all = await receiver.recv();
  const others = all.filter((each) => each !== pid());
  const senders = others.map((each) => new Sender(each));
  const receivers = others.map((each) => new Receiver(each));
  await Promise.all(senders.map((sender) => sender.send({ from: pid(), bytes: new Uint8Array(300_000) })));
  for (const receiver of receivers) {
    const { from, bytes } = await receiver.recv();
    if (from !== receiver.remote || bytes.length !== 300_000) throw new Error("not what was sent");
  }
  await Promise.all([...senders, ...receivers].map((end) => end.close()));
  console.log("met " + others.length);
}
await init({ functions: { member }, resources: { mem: 1 * MiB, cpu: 0 } });
const pids = [];
for (let i = 0; i < 6; i++) pids.push(await spawn(member, undefined, { mem: 300 * MiB, cpu: 0.1 }));
for (const each of pids) {
  await using sender = new Sender(each);
  await sender.send(pids);
}
for (const each of pids) console.log(JSON.stringify(await wait(each)));
`;

const ALL_TO_ALL = `import "${new URL("../../examples/all_to_all.ts", import.meta.url).href}";`;

function spawns(program: Deployed): Spawn[] {
  return program.events.filter((event): event is Spawn => event.event === "spawn");
}

for (const family of [4, 6] as const) {
  networkTest(`processes on three hosts meet by their Pids, over IPv${family}`, async () => {
    await using cluster = await HostCluster.start({ family });
    const { masterHost, nodeHosts } = cluster;
    {
      await using program = await cluster.deploy(MEETING);
      assertEquals(await program.code, 0, program.stderr);
      assertEquals(program.text.match(/met 5/g)?.length, 6, program.text);
      assertEquals(program.text.match(/\{"code":0\}/g)?.length, 6, program.text);
      const members = spawns(program).filter(({ parent }) => parent !== null);
      const counts = [masterHost, ...nodeHosts].map((host) =>
        members.filter(({ pid }) => cluster.hostOf(pid) === host).length
      );
      assertEquals(counts.reduce((sum, count) => sum + count), 6);
      assert(counts.every((count) => count > 0), `not on every host: ${counts}`);
      const host = family === 4 ? "10\\.99\\.0\\.\\d" : "\\[fd00:99::\\d\\]";
      for (const { pid } of members) assertMatch(pid, new RegExp(`^[0-9a-f]{32}@${host}:\\d+$`));
    }
    {
      await using program = await cluster.deploy(ALL_TO_ALL, ["9"]);
      assertEquals(await program.code, 0, program.stderr);
      assertEquals(program.text, "9 processes, 72 messages, each as it should be\n");
      const used = new Set(spawns(program).map(({ pid }) => cluster.hostOf(pid)));
      assertEquals(used.size, 3, "not on every host");
    }
  });
}

networkTest(
  "a deploy without the cluster's secret, or with a different one, reports it, as does the bridge",
  async () => {
    await using cluster = await HostCluster.start({ nodes: 0 });
    const other = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(other, `${await newSecretText()}\n`, { mode: 0o600 });
      const deploy = async (flags: string[]): Promise<string> => {
        const { prefix } = cluster.laptop;
        const env = { DEPLOY_SECRET_FILE: "" };
        await using program = await Deployed.start(cluster.bridge, "", { prefix, flags, env });
        assertEquals(await program.code, 1);
        return program.stderr;
      };
      const cannot = `deploy: Cannot connect to the bridge at ${cluster.bridge}: `;
      const none =
        "the other side has a secret, and this side has none: give it one with --secret-file";
      assertEquals(await deploy([]), `${cannot}${none}\n`);
      await cluster.master.line(
        /refused a connection from 10\.99\.0\.2:\d+: it does not encrypt, which this side requires: /,
      );
      const wrong = await deploy(["--secret-file", other]);
      assertEquals(wrong, `${cannot}the other side has a different secret\n`);
    } finally {
      await Deno.remove(other);
    }
  },
);
