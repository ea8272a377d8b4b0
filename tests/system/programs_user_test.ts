/** `fabric --user`: programs run as another user, and a hostile one gets at nothing that is not its own. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Fabric } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { CAN_CHANGE_USER, UserCluster } from "./user_cluster.ts";

const ignore = !CAN_CHANGE_USER;

/** Tries whatever it can in its first process, in one that is spawned, and in one that was a spare. */
const HOSTILE = `
import { init, Receiver, Sender, spawn, wait } from "deploy";
const [fabric, secret, folder, bridge] = Deno.args;
const found = [];
const got = async (what, work) => {
  try { await work(); } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotFound) return;
    if (error.code === "EPERM" || error.code === "EACCES") return;
    throw error;
  }
  found.push(what);
};
let looked = 0;
// What it has besides those of its user: a group of its run, and its own.
const groups = Deno.readTextFileSync("/proc/self/status").match(/^Groups:(.*)$/m)[1].trim().split(" ").map(Number).filter((group) => group >= 2 ** 31);
async function look(path) {
  looked++;
  let info;
  try { info = Deno.lstatSync(path); } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return;
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (info.uid === Deno.uid()) return; // its own, or another run's of that user
  if (groups.includes(info.gid)) { // the sockets of its own run
    await got("move " + path, () => Deno.renameSync(path, path + "-moved"));
    await got("open " + path, () => Deno.chmodSync(path, 0o777));
    return;
  }
  if (info.isSocket) await got("connect " + path, async () => (await Deno.connect({ transport: "unix", path })).close());
  if (info.isFile) {
    await got("read " + path, () => Deno.openSync(path).close());
    await got("write " + path, () => Deno.openSync(path, { write: true }).close());
    await got("remove " + path, () => Deno.removeSync(path));
  }
  if (!info.isDirectory) return;
  if (!path.endsWith("/tmp")) await got("write in " + path, () => Deno.mkdirSync(path + "/x"));
  let entries = [];
  try { entries = [...Deno.readDirSync(path)]; } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  for (const { name } of entries) {
    if (name === "runtime") continue; // what everybody may execute
    await look(path + "/" + name);
  }
}
async function attack() {
  found.length = 0;
  looked = 0;
  await got("the secret", () => Deno.readTextFileSync(secret));
  for (const name of ["environ", "mem", "maps", "fd", "cwd", "root"]) {
    const path = "/proc/" + fabric + "/" + name;
    await got("read " + path, () => name === "fd" ? [...Deno.readDirSync(path)] : name === "cwd" || name === "root" ? Deno.readLinkSync(path) : Deno.readFileSync(path));
  }
  await got("write mem", () => Deno.openSync("/proc/" + fabric + "/mem", { write: true }).close());
  for (const signal of ["SIGCONT", "SIGTERM", "SIGKILL"]) await got(signal, () => Deno.kill(Number(fabric), signal));
  await look(folder);
  await got("be root", () => {
    const { code, stderr } = new Deno.Command("setpriv", { args: ["--reuid=0", "true"] }).outputSync();
    if (code !== 0) throw new Deno.errors.PermissionDenied(new TextDecoder().decode(stderr));
  });
  // Who has no secret deploys nothing, and is no node or master.
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(bridge.split(":").pop()) });
  await conn.write(new Uint8Array(64));
  const all = await new Response(conn.readable).bytes().catch(() => new Uint8Array());
  if (all.length > 100) found.push("an answer of the bridge");
  const status = Deno.readTextFileSync("/proc/self/status");
  return JSON.stringify({
    uid: Deno.uid(), gid: Deno.gid(), looked: looked > 5, found,
    noNewPrivs: /^NoNewPrivs:\\t1$/m.test(status), caps: /^CapEff:\\t0+$/m.test(status),
    marked: Deno.env.get("MARKED") ?? null,
    wrote: (Deno.writeTextFileSync("own.txt", "x"), Deno.makeTempFileSync().startsWith(Deno.env.get("TMPDIR"))),
  });
}
async function worker(parent) {
  await new Sender(parent).send(await attack());
  // Its will is delivered, too.
  void new Sender(parent, "last").send("left");
  Deno.exit(3);
}
await init({ functions: { worker } });
console.log(await attack());
for (let count = 0; count < 3; count++) {
  const pid = await spawn(worker);
  await using receiver = new Receiver(pid);
  await using last = new Receiver(pid, "last");
  console.log(await receiver.recv(), await last.recv(), JSON.stringify(await wait(pid)));
}
Deno.writeTextFileSync("/dev/stdout", "again\\n");
console.log(await new Response(new Deno.Command("sh", { args: ["-c", "id -un"], stdout: "piped" }).spawn().stdout).text());
// What it leaves goes with its run.
new Deno.Command("sh", { args: ["-c", "mkdir -p left/a/b; ln -s / left/root; chmod 0 left/a; setsid sleep 1000 >/dev/null 2>&1 &"] }).outputSync();
`;

Deno.test({
  name:
    "a program that runs as another user gets at nothing of the fabric, the store and the secret",
  ignore,
  fn: async () => {
    await using cluster = await UserCluster.start();
    const { folder, bridge, fabric } = cluster;
    await using program = await cluster.deploy(HOSTILE, [
      ...[String(fabric.pid), SECRET_FILE, folder, bridge],
    ]);
    assertEquals(await program.code, 0, program.stderr + program.text);
    const clean = JSON.stringify({
      ...{ uid: 65534, gid: 65534, looked: true, found: [], noNewPrivs: true, caps: true },
      ...{ marked: null, wrote: true },
    });
    const spawned = `${clean} left {"code":3}\n`;
    assertEquals(program.text, `${clean}\n${spawned.repeat(3)}again\nnobody\n\n`);
    // Nothing is left of it: no file, and no process of what it started.
    for await (const { name } of Deno.readDir(`${folder}/store.nobody/live`)) {
      const runs = `${folder}/store.nobody/live/${name}/runs`;
      while ([...Deno.readDirSync(runs)].length > 0) await new Promise((r) => setTimeout(r, 20));
    }
    assertEquals(await fabric.stop(), true);
    assertEquals([...Deno.readDirSync(`${folder}/store.nobody/live`)], []);
    assertEquals(
      [...Deno.readDirSync(`${folder}/tmp`)].filter(({ name }) => /^dp[lu]-/.test(name)),
      [],
    );
  },
});

/** Writes half of it to its temporary files, and half beside its sockets. */
const FULL = `
import { init, pid, spawn, wait } from "deploy";
async function fill() {
  const [tmp] = Deno.args;
  const [id] = pid().split("@");
  const { name } = [...Deno.readDirSync(tmp)].find(({ name }) => {
    try { return Deno.lstatSync(tmp + "/" + name + "/" + id).isSocket; } catch { return false; }
  });
  const half = new Uint8Array(20 * 1024 ** 2).fill(1);
  Deno.writeFileSync(Deno.makeTempFileSync(), half);
  Deno.writeFileSync(tmp + "/" + name + "/more", half);
  await new Promise((resolve) => setTimeout(resolve, 1e6));
}
await init({ functions: { fill } });
console.log(JSON.stringify(await wait(await spawn(fill))));
`;

Deno.test({
  name:
    "the processes of a run whose files take more than --run-disk end with that reason, and no others",
  ignore,
  fn: async () => {
    await using cluster = await UserCluster.start(["--run-disk", "30MiB"]);
    await using other = await cluster.deploy(`
import { init } from "deploy";
await init();
console.log("here");
await new Promise((resolve) => setTimeout(resolve, 1e6));
`);
    await other.says("here");
    await using program = await cluster.deploy(FULL, [`${cluster.folder}/tmp`]);
    const code = await program.code;
    const exits = program.events.filter(({ event }) => event === "exit");
    assertEquals(exits.length, 2);
    for (const exit of exits) {
      assert("status" in exit);
      assertMatch(
        JSON.stringify(exit.status),
        // The node may look while the file is being written.
        /^\{"killed":"disk: [34]\d(\.\d)? MiB used, 30 MiB allowed"\}$/,
      );
    }
    assertEquals(code, 137);
    assertEquals(other.events.filter(({ event }) => event === "exit"), []);
  },
});

/** Writes so many MiB. */
const TAKES = `
import { init } from "deploy";
await init();
Deno.writeFileSync("file", new Uint8Array(Number(Deno.args[0]) * 1024 ** 2).fill(1));
console.log("written");
await new Promise((resolve) => setTimeout(resolve, 1e6));
`;

Deno.test({
  name: "of one person's runs that take more than --person-disk together, the largest ends",
  ignore,
  fn: async () => {
    await using cluster = await UserCluster.start(["--person-disk", "40MiB"]);
    await using small = await cluster.deploy(TAKES, ["15"]);
    await small.says("written");
    await using large = await cluster.deploy(TAKES, ["25"]);
    assertEquals(await large.code, 137);
    const [exit] = large.events.filter(({ event }) => event === "exit");
    assert(exit !== undefined && "status" in exit);
    assertMatch(
      JSON.stringify(exit.status),
      /^\{"killed":"disk: 4\d(\.\d+)? MiB used by all runs of \S+@\S+, 40 MiB allowed"\}$/,
    );
    assertEquals(small.events.filter(({ event }) => event === "exit"), []);
  },
});

const REFUSED = [
  [["--user", "no-such-user"], "this machine has no such user"],
  [["--user", "root"], "that is root"],
  [["--user", "nobody", "--store", "STORE"], "cannot enter"],
  [["--user", "a b"], "expected the name of a user"],
] as const;

Deno.test({
  name: "--user that cannot be is refused at the start, in one line that says what to do, and 2",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir(); // which only root may enter
    for (const [args, said] of REFUSED) {
      const fabric = new Fabric([
        "127.0.0.1:0",
        ...args.map((word) => word === "STORE" ? `${folder}/s` : word),
      ]);
      assertEquals((await fabric.ended).code, 2);
      const lines = fabric.err.filter((line) => line !== "");
      assertEquals(lines.length, 1, lines.join("\n"));
      assert(lines[0]!.includes(said), lines[0]);
    }
    await Deno.remove(folder, { recursive: true });
  },
});
