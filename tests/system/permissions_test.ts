/** What processes may do: as `spawn()` says, and at most what their node allows. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";
import { runProgram } from "./helpers.ts";

/** Tells what a process may do. */
const MAY = `
async function may(what: string, work: () => unknown): Promise<string> {
  try {
    await work();
    return what;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "no " + what;
    throw error;
  }
}
const all = async () => [
  await may("read", () => Deno.statSync("/")),
  await may("write", () => Deno.mkdirSync("made", { recursive: true })),
  await may("env", () => Deno.env.get("HOME")),
  await may("run", () => new Deno.Command("true").outputSync()),
  await may("connect", () => void Deno.listen({ hostname: "127.0.0.2", port: 0 }).close()),
].join(", ");
`;

/** Two processes with few permissions talk to their parent and to each other. */
const NARROWED = `
import { init, type Pid, Receiver, Sender, spawn, SpawnError, wait } from "deploy";
${MAY}
async function first(parent: Pid) {
  await new Sender<string>(parent).send(await all());
  const other = await new Receiver<Pid>(parent).recv();
  await using received = new Receiver<string>(other, "from second");
  await new Sender<string>(parent, "got").send(await received.recv());
}
async function second(parent: Pid, other: Pid) {
  await new Sender<string>(parent).send(await all());
  await new Sender<string>(other, "from second").send("a value of the other");
}
async function third(parent: Pid) {
  const send = new Sender<string>(parent);
  const refused = await spawn(fourth, undefined, { permissions: { read: true } })
    .catch((error: SpawnError) => error.reason + ": " + error.message);
  await send.send(refused);
  // What it spawns may do no more than it.
  await send.send(JSON.stringify(await wait(await spawn(fourth))));
}
function fourth() {
  Deno.readTextFileSync("/etc/hostname");
}
await init({ functions: { first, second, third, fourth } });
const a = await spawn(first, undefined, { permissions: { read: ["/"] } });
console.log(await new Receiver<string>(a).recv());
const b = await spawn(second, a, { permissions: { env: ["HOME"], write: "inherit" } });
console.log(await new Receiver<string>(b).recv());
await new Sender<Pid>(a).send(b);
console.log(await new Receiver<string>(a, "got").recv());
const c = await spawn(third, undefined, { permissions: { read: ["/usr"] } });
for await (const line of new Receiver<string>(c)) console.log(line);
`;

const SAID = [
  "read, no write, no env, no run, no connect",
  "no read, write, env, no run, no connect",
  "a value of the other",
  "invalid: Cannot spawn fourth(): permissions.read is true, and this process has only /usr",
  '{"code":1}',
  "",
].join("\n");

const DENIED = 'deploy: read access to "/etc/hostname" is denied here: ' +
  "the spawn() that started this process limits it\n";

Deno.test("spawn() narrows what a process may do, and it talks to others all the same", async () => {
  const { code, stdout, stderr } = await runProgram(NARROWED);
  assertEquals(stdout, SAID, stderr);
  assertStringIncludes(stderr, DENIED);
  assertEquals(code, 0);
});

Deno.test("a program that was given few permissions can be narrowed further", async () => {
  // Without the whole network, its processes have no Unix sockets.
  const flags = [
    "--allow-net=127.0.0.1",
    "--allow-run",
    "--allow-env",
    "--allow-read",
    "--allow-write",
  ];
  const { stdout, stderr } = await runProgram(NARROWED, { flags });
  assertEquals(stdout, SAID, stderr);
});

const CAPPED = `
import { init, type Pid, Receiver, Sender, spawn } from "deploy";
${MAY}
async function child(parent: Pid) {
  await new Sender<string>(parent).send(await all());
}
await init({ functions: { child } });
console.log(await all(), Deno.readTextFileSync("data.txt"));
const GiB = 1024 ** 3;
for (let count = 0; count < 2; count++) {
  // More than is left on the first one's node.
  const pid = await spawn(child, undefined, { mem: 10 * GiB });
  console.log(await new Receiver<string>(pid).recv());
}
Deno.statSync("/");
`;

Deno.test("fabric limits what programs may do on a node", async (t) => {
  const two = { mem: "16GiB", cpu: 4 };
  await using cluster = await startCluster({
    nodes: [two, two],
    options: ["--allow-read=.", "--allow-env", "--allow-net=10.0.0.0/8", "--deny-env=HOME"],
  });

  await t.step("also of what deploy allows", async () => {
    await using project = await Project.make({ "main.ts": CAPPED, "data.txt": "its file" });
    const { code, stdout, stderr } = await deploy(
      ["--include", "data.txt", "--allow-all", cluster.bridge, "main.ts"],
      { cwd: project.folder },
    );
    const may = "no read, no write, no env, no run, no connect";
    assertEquals(stdout, `${may} its file\n${may}\n${may}\n`, stderr);
    assertEquals(code, 1);
    const denied = cluster.addresses.map((address) =>
      `deploy: read access to "/" is denied here: node ${address} limits it\n`
    );
    assert(denied.some((line) => stderr.includes(line)), stderr);
  });

  await t.step("and runs no executables, which have permissions of their own", async () => {
    await using project = await Project.make({});
    // Any file that can be executed counts as one.
    const path = `${project.folder}/main`;
    await Deno.writeFile(path, Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, ...new Uint8Array(100)), {
      mode: 0o755,
    });
    const { code, stderr } = await deploy([cluster.bridge, path], { cwd: project.folder });
    assertMatch(
      stderr,
      /on node 127\.0\.0\.1:\d+: Cannot run main: this node limits what programs may do, and an executable has the/,
    );
    assertEquals(code, 1);
  });
});

Deno.test("limits that Deno does not understand keep a fabric from starting", async () => {
  const fabric = new URL("../../fabric.ts", import.meta.url).pathname;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fabric, "--insecure", "--allow-net=10.0.0.0/99", "127.0.0.1:0"],
    stdin: "null",
  }).output();
  assertMatch(new TextDecoder().decode(stderr), /invalid limits for programs: .*10\.0\.0\.0\/99/);
  assertEquals(code, 2);
});
