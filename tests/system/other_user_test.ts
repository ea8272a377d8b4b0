/** What another user of the machine can get at: nothing of runs, stores, wills and secrets. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Fabric } from "../fabric/cluster.ts";
import { Deployed } from "../fabric/deployed.ts";
import { ownCache } from "../own_cache.ts";
import { startProgram } from "./helpers.ts";

/** The user `nobody`. */
const NOBODY = 65534;

/** Looks for all that it can read, change, or connect to below the folders in its arguments, and prints that. */
const ATTACKER = `
const found = [];
const got = (what, path, work) => {
  try { work(); } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
  found.push(what + " " + path);
};
let looked = 0;
async function look(path) {
  let info;
  try { info = Deno.lstatSync(path); } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // it was there for a moment
    throw error;
  }
  looked++;
  const { isDirectory, isFile, isSocket } = info;
  if (isSocket) {
    try {
      (await Deno.connect({ transport: "unix", path })).close();
      found.push("connect " + path);
    } catch (error) {
      if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    }
  }
  if (isFile) {
    got("read", path, () => Deno.openSync(path).close());
    got("write", path, () => Deno.openSync(path, { write: true }).close());
  }
  if (!isDirectory) return;
  if (!Deno.args.includes(path)) got("write in", path, () => Deno.mkdirSync(path + "/x"));
  let entries = [];
  try { entries = [...Deno.readDirSync(path)]; } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return;
    throw error;
  }
  if (!Deno.args.includes(path)) found.push("list " + path);
  for (const { name } of entries) await look(path + "/" + name);
}
for (const folder of Deno.args) await look(folder);
console.log(JSON.stringify({ uid: Deno.uid(), looked, found }));
`;

/** Folders that every user of the machine may enter, as \`/tmp\` and a home folder are. */
class SharedFolders implements AsyncDisposable {
  readonly tmp: string;
  readonly home: string;
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    this.tmp = `${root}/tmp`;
    this.home = `${root}/home`;
  }

  static async make(): Promise<SharedFolders> {
    // Not below TMPDIR, so that the paths of sockets are short enough.
    const folders = new SharedFolders(await Deno.makeTempDir({ dir: "/tmp", prefix: "shr-" }));
    await Deno.chmod(folders.#root, 0o755);
    for (const [path, mode] of [[folders.tmp, 0o1777], [folders.home, 0o755]] as const) {
      await Deno.mkdir(path);
      await Deno.chmod(path, mode);
    }
    await Deno.mkdir(`${folders.#root}/attacker`);
    await Deno.writeTextFile(`${folders.#root}/attacker/main.js`, ATTACKER);
    // The other user may not get at the Deno that is in use, such as one below the home of root.
    await Deno.copyFile(Deno.execPath(), `${folders.#root}/attacker/deno-binary`);
    await Deno.chmod(`${folders.#root}/attacker/deno-binary`, 0o755);
    await Deno.chown(`${folders.#root}/attacker`, NOBODY, NOBODY);
    return folders;
  }

  /** What another user can do in the two folders; there are so many files and folders that they see, at least. */
  async attack(atLeast: number): Promise<void> {
    const folder = `${this.#root}/attacker`;
    const { stdout, stderr } = await new Deno.Command(`${folder}/deno-binary`, {
      args: ["run", "-A", "--no-config", `${folder}/main.js`, this.tmp, this.home],
      cwd: folder,
      uid: NOBODY,
      gid: NOBODY,
      env: { HOME: folder, DENO_DIR: `${folder}/deno`, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertMatch(out!, /^\{/, err);
    const { uid, looked, found } = JSON.parse(out!);
    assertEquals([uid, found], [NOBODY, []]);
    assert(looked >= atLeast, `it saw only ${looked}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** Two processes that have a channel, and wait. */
const PROGRAM = `
import { init, Receiver, Sender, spawn } from "deploy";
async function worker(parent) {
  await new Sender(parent).send("here");
  await new Promise((resolve) => setTimeout(resolve, 1e6));
}
await init({ functions: { worker } });
await using receiver = new Receiver(await spawn(worker));
console.log(await receiver.recv());
await receiver.recv();
`;

const ignore = Deno.build.os !== "linux" || Deno.uid() !== 0;

Deno.test({
  name: "another user of the machine gets at nothing of a local run",
  ignore,
  fn: async () => {
    await using shared = await SharedFolders.make();
    await using program = await startProgram(PROGRAM, { env: { TMPDIR: shared.tmp } });
    await program.seen((event) => event.event === "output");
    // The two folders, and that of the run's sockets.
    await shared.attack(3);
  },
});

Deno.test({
  name:
    "another user of the machine gets at nothing of a cluster and its runs, though a file was everybody's",
  ignore,
  fn: async () => {
    await using shared = await SharedFolders.make();
    const [cache, store] = [`${shared.home}/cache`, `${shared.home}/store`];
    const env = { TMPDIR: shared.tmp, ...ownCache(cache), DEPLOY_SECRET_FILE: "" };
    const size = ["--nodes", "1", "--mem", "1GiB", "--cpu", "2"];
    const args = ["dev", "--bridge", "127.0.0.1:0", "--store", store, ...size];
    await using dev = new Fabric(args, { env });
    const bridge = await dev.ready("bridge");
    await Deno.writeTextFile(`${shared.home}/.env`, "TOKEN=1", { mode: 0o600 });
    await using program = await Deployed.start(bridge, PROGRAM, {
      flags: ["--include", `${shared.home}/.env`],
      env,
    });
    await program.says("here");
    await shared.attack(5);
  },
});

Deno.test({
  name: "a store of another user, or one that others may enter, is refused: one line, and 1",
  ignore,
  fn: async () => {
    await using shared = await SharedFolders.make();
    for (
      const [mode, uid, said] of [[0o755, 0, "chmod 700"], [0o700, NOBODY, "another user"]] as const
    ) {
      const store = `${shared.home}/${uid}`;
      await Deno.mkdir(store);
      await Deno.chmod(store, mode);
      await Deno.chown(store, uid, uid);
      const fabric = new Fabric(["127.0.0.1:0", "--store", store]);
      assertEquals((await fabric.ended).code, 1);
      const lines = fabric.err.filter((line) => line !== "");
      assertEquals(lines.length, 1, lines.join("\n"));
      assert(lines[0]!.startsWith(`fabric: Cannot use the folder ${store}: `), lines[0]);
      assert(lines[0]!.includes(said), lines[0]);
    }
  },
});
