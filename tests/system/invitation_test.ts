/** What somebody with an invitation may do on a cluster, and what not. */

// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { parseAddress } from "../../src/core/address.ts";
import { createLogger } from "../../src/core/logger.ts";
import { ConnectError, dialPart, loadCredential } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { Fabric, startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { deploy, type DeployResult, Project } from "./deploy_harness.ts";

const QUIET = createLogger("error", () => {});

/** Ends when it gets a line. */
const PROGRAM = `
import { init } from "deploy";
await init();
console.log("waits");
await Deno.stdin.read(new Uint8Array(100));
`;

/** Invites somebody, and returns the file. */
async function invite(folder: string, name: string): Promise<string> {
  const file = `${folder}/${name}.secret`;
  const made = new Fabric(["invite", name, file]);
  assertEquals((await made.ended).code, 0, made.err.join("\n"));
  return file;
}

Deno.test("somebody with an invitation deploys, sees all runs, ends their own, and is no part of the cluster", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const { folder: cwd } = project;
  const anna = await invite(cwd, "anna");
  assertMatch(await Deno.readTextFile(anna), /^deploy_invite_anna_[\w-]+\n$/);
  assertEquals((await Deno.stat(anna)).mode! & 0o777, 0o600);
  const carl = await invite(cwd, "carl");
  await using cluster = await startCluster({
    nodes: [{ mem: "1GiB", cpu: 2 }],
    options: ["--deny", "carl", "--runs", "1"],
  });
  const as = (secret: string, ...args: string[]): Promise<DeployResult> =>
    deploy(args, { cwd, env: { DEPLOY_SECRET_FILE: secret, DEPLOY_BRIDGE: cluster.bridge } });
  const detached = async (secret: string): Promise<string> => {
    const { code, stdout, stderr } = await as(secret, "--detach", "main.ts");
    assertEquals(code, 0, stderr);
    return stdout.trim();
  };
  const hers = await detached(anna);
  const others = await detached(SECRET_FILE);
  const second = await as(anna, "--detach", "main.ts");
  assertStringIncludes(second.stderr, `anna has one run already, as many as this cluster allows`);
  assertEquals(second.code, 1);
  // Who deployed what, by name; the log of the bridge has it, too.
  const listed = await as(anna, "ps", "--format", "json");
  const runs = listed.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const by = new Map(runs.map(({ run, by }) => [run, by]));
  assertEquals(by.get(hers), "anna");
  assertMatch(by.get(others), /@/);
  await cluster.master.line(new RegExp(`anna at 127\\.0\\.0\\.1:\\d+ deployed run ${hers} `));
  await cluster.master.line(new RegExp(`@.* at 127\\.0\\.0\\.1:\\d+ deployed run ${others} `));

  // She may look at all runs, and end, or feed, only her own.
  assertEquals((await as(anna, "logs", others)).code, 0);
  for (const word of ["kill", "attach"]) {
    const { code, stderr } = await as(anna, word, others);
    assertEquals(code, 1, word);
    assertMatch(
      stderr,
      /^deploy: run \w+-\w+ \(main\.ts\) was deployed by .*@.*: only they, and /m,
    );
  }
  const killed = await as(anna, "kill", hers);
  assertEquals(killed.code, 0, killed.stderr);
  await cluster.master.line(new RegExp(`anna at 127\\.0\\.0\\.1:\\d+ told run ${hers} .*to stop`));

  // No part of a cluster takes her for another one.
  const credential = await loadCredential({ secretFile: anna, logger: QUIET });
  const [bridge, master] = [cluster.bridge, cluster.addresses[0]!].map((at) => parseAddress(at)!);
  for (
    const [address, purpose] of [
      [bridge!, Purpose.run],
      ...[Purpose.node, Purpose.arg, Purpose.bridge, Purpose.join, Purpose.drain]
        .map((purpose) => [master!, purpose] as const),
    ] as const
  ) {
    await assertRejects(() => dialPart(address, purpose, credential), ConnectError);
  }
  const refused = /refused a connection .*an invitation, which permits deploying only/;
  await cluster.master.line(refused);
  const node = new Fabric(["join", "127.0.0.1:0", cluster.addresses[0]!, "--secret-file", anna]);
  assertEquals((await node.ended).code, 2);
  assertMatch(node.err.join("\n"), /it is an invitation, which permits deploying only/);

  // One that was taken back is not taken.
  const denied = await as(carl, "ps");
  assertEquals(denied.code, 1);
  assertMatch(
    denied.stderr,
    /^deploy: Cannot connect to the bridge .*: the invitation of carl was taken back$/m,
  );
});

Deno.test("fabric invite needs the secret, and deploy refuses a damaged invitation", async () => {
  const none = new Fabric(["invite", "anna"], { env: { DEPLOY_SECRET_FILE: "" } });
  assertEquals((await none.ended).code, 2);
  assertMatch(
    none.err.join("\n"),
    /^fabric: Cannot invite anybody without the cluster's secret; .*--secret-file/,
  );
  await using project = await Project.make({});
  const { folder: cwd } = project;
  const anna = await invite(cwd, "anna");
  const text = (await Deno.readTextFile(anna)).trim();
  assert(!text.includes((await Deno.readTextFile(SECRET_FILE)).trim()));
  await Deno.writeTextFile(anna, text.slice(0, -1));
  const env = { DEPLOY_SECRET_FILE: anna, DEPLOY_BRIDGE: "127.0.0.1:1" };
  const { code, stderr } = await deploy(["ps"], { cwd, env });
  assertEquals(code, 2, stderr);
  assertMatch(
    stderr,
    /^deploy: Cannot use the invitation in .*anna\.secret: .*copy the file again/m,
  );
});
