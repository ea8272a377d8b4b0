/** Runs that one can leave and find again: detached ones, their list, log and end, with whole programs. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, type DeployResult, Project } from "./deploy_harness.ts";

const PROGRAM = `
import { init, pid, Receiver, Sender, spawn } from "deploy";
async function worker(parent) {
  console.log("worker begins");
  const receiver = new Receiver(parent);
  for await (const value of receiver) console.error("got " + value);
}
await init({ functions: { worker } });
const sender = new Sender(await spawn(worker));
await sender.send(1);
for await (const _ of Deno.stdin.readable);
console.log("first waits");
while (!(await Deno.stat(Deno.args[0]).then(() => true, () => false))) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await sender.send(2);
await sender.close();
console.log("first ends");
Deno.exitCode = 3;
`;

Deno.test("a detached run is listed, shown, asked and killed, and known after its end", async (t) => {
  await using cluster = await startCluster();
  await using project = await Project.make({ "main.ts": PROGRAM });
  const cwd = project.folder;
  const run = (...args: string[]): Promise<DeployResult> =>
    deploy(args, { cwd, env: { DEPLOY_BRIDGE: cluster.bridge, USER: "me" } });
  const listed = async () =>
    (await run("ps", "--format", "json")).stdout.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
  /** Repeats it until its stdout matches: what is shown of a process may be asked of it, and come late. */
  const until = async (args: readonly string[], pattern: RegExp): Promise<void> => {
    while (!pattern.test((await run(...args)).stdout));
  };
  /** Those that have been asked for begin shortly after their deploy has returned. */
  const begun = async (): Promise<void> => {
    while ((await listed()).some(({ state }) => state === "waiting"));
  };
  const go = `${cwd}/go`;
  let id = "";

  await t.step("deploy --detach prints its id, and returns while it runs", async () => {
    const { code, stdout } = await run("--detach", "-n", "--name", "mine", "main.ts", "--", go);
    assertEquals(code, 0);
    assertMatch(stdout, /^\w{4}-\w{4}\n$/);
    id = stdout.trim();
  });

  await t.step("ps lists it", async () => {
    await begun();
    const [entry, ...others] = await listed();
    assertEquals(others, []);
    const { run: listedId, name, state, by, code, ended } = entry;
    assertEquals({ listedId, name, state, code, ended }, {
      ...{ listedId: id, name: "mine", state: "running", code: null, ended: null },
    });
    assertEquals(by, `me@${Deno.hostname()}`);
    const { stdout } = await run("ps");
    assertMatch(
      stdout,
      new RegExp(`^RUN +NAME +STATE +AGE +PROCESSES +MEM +BY\n${id} +mine +running +\\d+[sm] +`),
    );
  });

  await t.step("why says what its processes wait for", async () => {
    const waits = async (): Promise<boolean> => {
      const { stdout, stderr } = await run("logs", id);
      return stdout.includes("first waits") && stderr.includes("got 1");
    };
    while (!await waits()) await new Promise((resolve) => setTimeout(resolve, 50));
    await until(
      ["why", "mine"],
      /^\w{7} main\.ts +timers, or I\/O of its own\n\w{7} worker +recv from \w{7} main\.ts\n$/,
    );
  });

  await t.step("ps with a run shows its processes as a tree, and what they use", async () => {
    const mem = String.raw`\d[\d.]*(?:B|KiB|MiB)`;
    const rest = (name: string) => ` +\\d+[sm] +${mem} +${mem} +[\\d.]+s +\\S+:\\d+ +${name}`;
    await until(
      ["ps", "mine"],
      new RegExp(
        `^PID +STATE +TIME +MEM +PEAK +CPU +NODE +NAME\n\\w{7} +running${rest("main.ts")}\n` +
          `\\w{7} +running${rest("  worker")}\n$`,
      ),
    );
  });

  await t.step("logs -f shows it from its start to its end, as deploy would have", async () => {
    const following = run("logs", "-f", id);
    await Deno.writeTextFile(go, "");
    const { code, stdout, stderr } = await following;
    assertEquals(code, 0);
    assertEquals(stdout.split("\n").toSorted(), ["", "first ends", "first waits", "worker begins"]);
    assertMatch(stderr, /^ {3}got 1\n[^]*^ {3}got 2\n[^]*exited: 3/m);
  });

  await t.step("it is listed and shown after its end, in every format", async () => {
    const [entry] = await listed();
    assertEquals([entry.state, entry.code, entry.spawned], ["ended", 3, 2]);
    assert(entry.ended >= entry.started);
    const { stdout } = await run("logs", id.slice(0, 7), "--format", "json");
    const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).event);
    assertEquals(events.filter((event) => event === "spawn").length, 2);
    assertEquals(events.filter((event) => event === "exit").length, 2);
    const processes = (await run("ps", id, "--format", "json")).stdout.trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    assertEquals(
      processes.map(({ name, state, status, lastLines }) => ({ name, state, status, lastLines })),
      [
        { name: "main.ts", state: "ended", status: { code: 3 }, lastLines: "" },
        { name: "worker", state: "ended", status: { code: 0 }, lastLines: "got 1\ngot 2\n" },
      ],
    );
    assertEquals(processes[1].parent, processes[0].pid);
    assertEquals(processes[1].resources, { mem: 104_857_600, cpu: 0.0625 });
    assert(processes[1].peak > 0 && processes[1].cpuMs > 0 && processes[1].memory === null);
    const lines = await run("logs", "mine", "--format", "lines", "--process", "worker");
    assertMatch(lines.stdout, /^\w{7} worker \| worker begins\n$/);
    assertMatch(
      lines.stderr,
      /^\w{7} worker \| got 1\n\w{7} worker \| got 2\n\w{7} worker \* exited\n$/m,
    );
  });

  await t.step("kill tells another one to stop, which then has ended", async () => {
    const { stdout } = await run("--detach", "main.ts", "--", `${cwd}/never`);
    await begun();
    const killed = await run("kill", stdout.trim());
    assertEquals(killed.code, 0);
    assertEquals(killed.stderr, `deploy: told run ${stdout.trim()} (main.ts) to stop\n`);
    const followed = await run("logs", "-f", stdout.trim());
    assertEquals(followed.code, 0);
    assertEquals((await listed())[0].code, 143);
    const again = await run("kill", stdout.trim());
    assertEquals([again.code, again.stderr], [
      1,
      `deploy: run ${stdout.trim()} (main.ts) has ended\n`,
    ]);
  });

  await t.step("another run of the same name is warned of", async () => {
    const start = () => run("--detach", "--name", "twin", "main.ts", "--", `${cwd}/never`);
    const [one, other] = [await start(), await start()];
    assertEquals([one.code, one.stderr.includes("twin"), other.code], [0, false, 0]);
    const warning = `deploy: run ${one.stdout.trim()} is called "twin", too: name each by its id\n`;
    assert(other.stderr.includes(warning), other.stderr);
    for (const { stdout } of [one, other]) {
      assertEquals((await run("kill", "--grace", "0", stdout.trim())).code, 0);
    }
  });

  await t.step("a run that does not exist is one line and 1", async () => {
    const { code, stdout, stderr } = await run("logs", "nothing");
    assertEquals([code, stdout, stderr], [
      1,
      "",
      'deploy: there is no run "nothing"; see deploy ps\n',
    ]);
  });
});
