/** The folder with the sockets of a run: who may enter it, and when it goes. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { randomId } from "../../src/core/pid.ts";
import { MiB } from "../../src/core/resources.ts";
import { type FolderUser, SocketFolder } from "../../src/host/socket_folder.ts";
import { connect, listen, MAX_SOCKET_PATH_BYTES } from "../../src/net/transport.ts";
import { startNode } from "../node/node_harness.ts";

/** Those that the present test has made. */
let made: SocketFolder[] = [];

/** A temporary folder of its own for each test, with a path as short as that of the system's. */
async function inFolder(test: (parent: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ dir: "/tmp" });
  made = [];
  try {
    await test(parent);
  } finally {
    for (const folder of made) await folder.remove();
    await Deno.remove(parent, { recursive: true });
  }
}

function make(
  parent: string,
  other?: FolderUser,
): { folder: SocketFolder | undefined; said: string } {
  const lines: string[] = [];
  const logger = createLogger("debug", (line) => lines.push(line));
  const folder = SocketFolder.make(parent, logger, other);
  if (folder !== undefined) made.push(folder);
  return { folder, said: lines.join("") };
}

function names(parent: string): string[] {
  return Array.from(Deno.readDirSync(parent), ({ name }) => name).toSorted();
}

Deno.test("make() makes a folder of another name each time, which only this user can enter", async () => {
  await inFolder(async (parent) => {
    const folders = [make(parent).folder!, make(parent).folder!];
    assertEquals(names(parent).length, 2);
    for (const folder of folders) {
      assertEquals(Deno.lstatSync(folder.path).mode! & 0o777, 0o700);
      listen({ path: folder.process(randomId()) }).close();
      Deno.writeTextFileSync(`${folder.path}/left`, "");
      await folder.remove();
      await folder.remove(); // removing it again is no error
    }
    assertEquals(names(parent), []);
  });
});

Deno.test("make() gives none where the paths of sockets would be too long, and says so", async () => {
  await inFolder((parent) => {
    const rest = "/dpl-0123456789abcdef/".length + 32;
    const longest = `${parent}/${"x".repeat(MAX_SOCKET_PATH_BYTES - rest - parent.length - 1)}`;
    Deno.mkdirSync(longest);
    Deno.mkdirSync(`${longest}x`);
    const { folder } = make(longest);
    listen({ path: folder!.process(randomId()) }).close();
    const { folder: none, said } = make(`${longest}x`);
    assertEquals(none, undefined);
    assertMatch(said, /processes use TCP, not Unix sockets: their paths would have 104 bytes/);
    return Promise.resolve();
  });
});

Deno.test("make() gives none where no folder can be made, and says why", () => {
  const { folder, said } = make("/tmp/there/is/no/such/folder");
  assertEquals(folder, undefined);
  assertMatch(said, /cannot make \/tmp\/there\/is\/no\/such\/folder\/dpl-.*No such file/);
});

Deno.test({
  name: "make() gives none without permission, and does not ask for it",
  permissions: { read: true, write: ["/var"], net: true },
  fn() {
    const { folder, said } = make("/tmp");
    assertEquals(folder, undefined);
    assertMatch(said, /they need --allow-write/);
  },
});

Deno.test("sweep() removes folders whose node is gone, and no others", async () => {
  await inFolder(async (parent) => {
    const [own, alive, dead, empty, bound] = Array.from({ length: 5 }, () => make(parent).folder!);
    using _listener = listen({ path: alive!.node });
    // A listener that ends without closing leaves its file, as a killed process does.
    const script = [dead!.node, `${bound!.node}.new`]
      .map((path) => `Deno.listen({ transport: "unix", path: ${JSON.stringify(path)} })`).join(";");
    const killed = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", `${script}; Deno.exit()`],
    });
    assertEquals((await killed.output()).code, 0);
    Deno.mkdirSync(`${parent}/dpl-of-somebody`);
    Deno.writeTextFileSync(`${parent}/dpl-0123456789abcdef`, "a file");
    assertEquals(Deno.lstatSync(dead!.node).isSocket, true);
    const before = names(parent);
    await own!.sweep();
    const nameOf = ({ path }: SocketFolder) => path.slice(parent.length + 1);
    assertEquals(names(parent), before.filter((name) => name !== nameOf(dead!)));
    // One without a socket, or with one that does not listen yet, may be one that is being made, unless it
    // is old.
    Deno.utimeSync(empty!.path, 0, 0);
    await own!.sweep();
    const gone = [dead!, empty!].map(nameOf);
    assertEquals(names(parent), before.filter((name) => !gone.includes(name)));
  });
});

Deno.test({
  name: "sweep() leaves the folders of other users alone",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (parent) => {
      const [own, other] = [make(parent).folder!, make(parent).folder!];
      Deno.utimeSync(other.path, 0, 0);
      Deno.chownSync(other.path, 12345, 12345);
      await own.sweep();
      assertEquals(names(parent).length, 2);
    }),
});

const OTHER = { uid: 65534, gid: 65534, group: undefined };

/** Does that as the other user; returns whether it succeeded. */
async function asOther(...words: string[]): Promise<boolean> {
  const [command = "", ...args] = words;
  return (await new Deno.Command(command, { args, uid: OTHER.uid, gid: OTHER.gid, stderr: "null" })
    .output()).success;
}

Deno.test({
  name: "another user can use the folder that is given to it, and can neither move nor remove it",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (parent) => {
      Deno.chmodSync(parent, 0o1777); // as that for temporary files is
      const folder = make(parent, OTHER).folder!;
      const listener = listen({ path: folder.node });
      folder.give();
      const [outer] = names(parent);
      assertEquals(Deno.lstatSync(folder.path).mode! & 0o777, 0o700);
      assert(await asOther("mkdir", "-p", `${folder.path}/deep/er`));
      assertEquals(await asOther("mv", folder.path, `${parent}/moved`), false);
      assertEquals(await asOther("mv", `${parent}/${outer}`, `${parent}/moved`), false);
      await asOther("rm", "-rf", folder.path);
      assertEquals([names(parent), names(folder.where()!)], [[outer], ["s"]]);
      listener.close();
      assert(await asOther("mkdir", "-p", `${folder.path}/deep/er`));
      await folder.remove();
      assertEquals(names(parent), []);
    }),
});

Deno.test("sweep() knows a folder for another user by the node's socket in it", async () => {
  await inFolder(async (parent) => {
    const [own, alive, left] = [undefined, OTHER, OTHER]
      .map((other) => make(parent, other).folder!);
    using _listener = listen({ path: alive!.node });
    const outer = (folder: SocketFolder) => folder.where()!.slice(parent.length + 1);
    for (const folder of [alive!, left!]) Deno.utimeSync(folder.where()!, 0, 0);
    await own!.sweep();
    assertEquals(names(parent), [own!, alive!].map(outer).toSorted());
  });
});

Deno.test({
  name: "what a program moves elsewhere is counted there, and gone at the end of the run",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    inFolder(async (parent) => {
      const disk = { folders: () => [], mostBytes: 8 * MiB };
      const run = startNode({ willFolder: parent, disk });
      const [name] = names(parent);
      await run.launch("hang");
      Deno.mkdirSync(`${parent}/deep`);
      Deno.renameSync(`${parent}/${name}`, `${parent}/deep/moved`);
      Deno.writeFileSync(`${parent}/deep/moved/more`, new Uint8Array(9 * MiB).fill(1));
      const exit = await run.until(({ event }) => event === "exit");
      assertMatch(JSON.stringify(exit), /"killed":"disk: 9(\.\d+)? MiB used, 8 MiB allowed"/);
      await run[Symbol.asyncDispose]();
      assertEquals([names(parent), names(`${parent}/deep`)], [["deep"], []]);
    }),
});

Deno.test("a node's processes listen in its folder, their sockets go with them, and it goes with the run", async () => {
  await inFolder(async (parent) => {
    const run = startNode({ willFolder: parent });
    const [folder] = names(parent).map((name) => `${parent}/${name}`);
    const pid = await run.launch("hang");
    const [id, address] = pid.split("@");
    assertEquals(address, "127.0.0.1:1");
    assertEquals(names(folder!), [id, "node"].toSorted());
    (await connect({ path: `${folder}/${id}` })).close();
    await run.node.kill(pid);
    assertEquals(names(folder!), ["node"]);
    await run[Symbol.asyncDispose]();
    assertEquals(names(parent), []);
  });
});

Deno.test("processes that others reach have a port besides their socket", async () => {
  await inFolder(async (parent) => {
    await using run = startNode({ willFolder: parent, reachable: true });
    const pid = await run.launch("hang");
    const port = Number(pid.split(":")[1]);
    assert(port > 1);
    (await connect({ hostname: "127.0.0.1", port })).close();
    await run.node.kill(pid);
  });
});

Deno.test("where there is no folder for sockets, processes have a port", async () => {
  await inFolder(async (parent) => {
    const long = `${parent}/${"x".repeat(MAX_SOCKET_PATH_BYTES)}`;
    Deno.mkdirSync(long);
    await using run = startNode({ willFolder: long });
    const pid = await run.launch("hang");
    (await connect({ hostname: "127.0.0.1", port: Number(pid.split(":")[1]) })).close();
    assertEquals(names(long), []);
    await run.node.kill(pid);
  });
});
