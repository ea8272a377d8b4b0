/**
 * A cluster without room: why a spawn waits, which process is ended for it, and what the nodes are; and one
 * whose nodes are drained.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { Fabric, startCluster } from "../fabric/cluster.ts";
import { deploy, type DeployResult, Project } from "./deploy_harness.ts";

const PROGRAM = `
import { init, Receiver, spawn } from "deploy";
const waits = (parent) => new Receiver(parent).recv();
const merge = () => console.log("merged");
await init({ functions: { waits, merge }, resources: { mem: 1 << 28, cpu: 1 } });
await spawn(waits, undefined, { mem: 1 << 28, cpu: 1 });
await spawn(merge, undefined, { mem: 1 << 29, cpu: 1 });
`;

const STAYS = `
import { init } from "deploy";
await init({ functions: {}, resources: { mem: 1 << 28, cpu: 1 } });
setInterval(() => {}, 1000);
`;

Deno.test("a spawn without room, a process that is ended by its Pid, and a frozen node", async (t) => {
  const size = { mem: "1GiB", cpu: 1 };
  const env = { DEPLOY_LIVENESS: "tests" };
  await using cluster = await startCluster({ nodes: [size, size], env });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const run = (...args: string[]): Promise<DeployResult> =>
    deploy(args, { cwd: project.folder, env: { ...env, DEPLOY_BRIDGE: cluster.bridge } });
  const until = async (args: string[], pattern: RegExp): Promise<string[]> => {
    for (;;) {
      const { stdout } = await run(...args);
      const found = pattern.exec(stdout);
      if (found !== null) return found;
    }
  };
  const nodes = () => run("nodes").then(({ stdout }) => stdout);
  let worker = "";

  await t.step("why says what the spawn waits for, and what is free", async () => {
    assertEquals((await run("--detach", "--name", "mine", "main.ts")).code, 0);
    const text = String.raw`spawn merge: 512 MiB and 1 core; ` +
      String.raw`largest free: 768 MiB and 0 cores on 127\.0\.0\.1:\d+`;
    await until(["why", "mine"], new RegExp(`^\\w{7} main\\.ts +${text}$`, "m"));
    [, worker = ""] = await until(["why", "mine"], /^(\w{7}) waits +recv from \w{7} main\.ts$/m);
    const one = await run("why", worker, "--format", "json");
    const { pid, name, waits } = JSON.parse(one.stdout);
    assertEquals([pid.slice(0, 7), name], [worker, "waits"]);
    assertMatch(waits, /^recv from \w{7} main\.ts$/);
  });

  await t.step("nodes says what is in use", async () => {
    const row = String.raw`127\.0\.0\.1:\d+ +up +1 +256MiB +1GiB +1 +1`;
    assertMatch(
      await nodes(),
      new RegExp(`^NODE +STATE +PROCESSES +MEM-USED +MEM +CPU-USED +CPU +WHY\n${row}\n${row}\n$`),
    );
  });

  await t.step("kill ends one process, which makes room", async () => {
    const { code, stderr } = await run("kill", worker);
    assertEquals(code, 0);
    assertMatch(stderr, /^deploy: told process \w{7} waits of run \w{4}-\w{4} to stop\n$/);
    await until(["ps", "mine"], /^\w{7} +SIGTERM .* waits$/m);
    await until(["ps", "mine"], /^\w{7} +exited .* merge$/m);
    await until(["ps"], /mine +ended:101 /);
    const again = await run("kill", worker);
    assertEquals([again.code, again.stderr], [
      1,
      `deploy: there is no run, and no running process, "${worker}"; see deploy ps\n`,
    ]);
  });

  await t.step("a node that is stopped is frozen, and up again when it goes on", async () => {
    const [frozen] = cluster.nodes;
    const name = cluster.addresses[1]!.replaceAll(".", "\\.");
    frozen!.kill("SIGSTOP");
    try {
      await until(["nodes"], new RegExp(`^${name} +frozen .* not answer`, "m"));
    } finally {
      frozen!.kill("SIGCONT");
    }
    await until(["nodes"], new RegExp(`^${name} +up `, "m"));
  });
});

Deno.test("a drained node gets nothing more, is empty when its processes have ended, and then restarts", async (t) => {
  const size = { mem: "1GiB", cpu: 1 };
  const env = { DEPLOY_LIVENESS: "tests" };
  await using cluster = await startCluster({ nodes: [size, size], restarts: true, env });
  await using project = await Project.make({ "main.ts": STAYS });
  const [own = "", other = ""] = cluster.addresses;
  const run = (...args: string[]): Promise<DeployResult> =>
    deploy(args, { cwd: project.folder, env: { ...env, DEPLOY_BRIDGE: cluster.bridge } });
  const drain = (...args: string[]) => new Fabric(["drain", own, ...args], { env });
  const states = async () => {
    const lines = (await run("nodes", "--format", "json")).stdout.trim().split("\n");
    return lines.map((line) => JSON.parse(line)).map(({ state, processes }) => [state, processes]);
  };

  await t.step("an empty one at once", async () => {
    await using drained = drain(own);
    assertEquals(await drained.ended, { code: 0, signal: null });
    assertEquals([drained.out, drained.err], [[`empty ${own}`], []]);
    await cluster.master.line(
      new RegExp(`@.* at 127\\.0\\.0\\.1:\\d+ drained node ${own}: it takes`),
    );
    assertEquals(await states(), [["draining", 0], ["up", 0]]);
  });

  await t.step("another one, when its last process has ended", async () => {
    const id = (await run("--detach", "main.ts")).stdout.trim();
    // It is accepted shortly before its first process starts.
    while (JSON.stringify(await states()) !== '[["draining",0],["up",1]]');
    await using drained = drain(other);
    await using asData = drain(other, "--format", "json");
    await drained.line(/./);
    assertEquals(drained.err, [
      `fabric: ${other} takes no more processes; 1 process is left, of run ${id}`,
    ]);
    await asData.line(/./, { stream: "out" });
    assertEquals(await states(), [["draining", 0], ["draining", 1]]);
    const fits = await run("--dry-run", "main.ts");
    assertEquals([fits.code, /would have to wait/.test(fits.stderr)], [0, true], fits.stderr);
    assertEquals((await run("kill", id)).code, 0);
    assertEquals([(await drained.ended).code, (await asData.ended).code], [0, 0]);
    assertEquals(drained.out, [`empty ${other}`]);
    const data = asData.out.map((line) => JSON.parse(line));
    for (const { time } of data) assertMatch(time, /^\d{4}-.*Z$/);
    assertEquals(data.map(({ time: _, ...rest }) => rest), [
      { event: "draining", processes: 1, runs: [id], node: other },
      { event: "empty", node: other },
    ]);
  });

  await t.step("it takes processes again when its fabric is another one", async () => {
    const [node] = cluster.nodes;
    const from = cluster.master.err.length;
    await node!.stop();
    await cluster.restart(0);
    await cluster.master.line(new RegExp(`node ${other} is there`), { from });
    assertEquals(await states(), [["draining", 0], ["up", 0]]);
  });

  await t.step("only nodes that are there can be drained", async () => {
    await using unknown = drain("127.0.0.1:1");
    assertEquals((await unknown.ended).code, 1);
    assertMatch(unknown.err.join("\n"), /^fabric: there is no node 127\.0\.0\.1:1; there are /);
    await using bridge = new Fabric(["drain", cluster.bridge, own], { env });
    assertEquals((await bridge.ended).code, 1);
    assertMatch(bridge.err.join("\n"), /: it is a bridge, not a master$/);
  });
});
