// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { removeTree } from "../../src/core/remove_tree.ts";

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Runs `fn` with the path of a folder that is to be removed, beside one that is not. */
async function inFolder(fn: (path: string, other: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    const [path, other] = [`${parent}/left`, `${parent}/other`];
    await Deno.mkdir(path);
    await Deno.mkdir(other);
    await Deno.writeTextFile(`${other}/file`, "kept");
    await fn(path, other);
    assertEquals(await Deno.readTextFile(`${other}/file`), "kept");
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("removeTree() removes files and folders, and not what links lead to", async () => {
  await inFolder(async (path, other) => {
    await Deno.mkdir(`${path}/a/b`, { recursive: true });
    await Deno.writeTextFile(`${path}/a/b/file`, "");
    await Deno.symlink(other, `${path}/a/folder`);
    await Deno.symlink(`${other}/file`, `${path}/link`);
    await removeTree(path);
    assertEquals(await isThere(path), false);
    await removeTree(path); // it is no error that it is gone
    await removeTree(`${path}/none`);
  });
});

Deno.test("removeTree() removes folders whose modes do not allow it", async () => {
  await inFolder(async (path) => {
    await Deno.mkdir(`${path}/locked/deep`, { recursive: true });
    await Deno.writeTextFile(`${path}/locked/deep/file`, "");
    for (const each of [`${path}/locked/deep`, `${path}/locked`, path]) await Deno.chmod(each, 0);
    await removeTree(path);
    assertEquals(await isThere(path), false);
  });
});

Deno.test("removeTree() removes a folder from which something else vanishes at the same time", async () => {
  for (let round = 0; round < 100; round++) {
    await inFolder(async (path) => {
      // Deno removes the socket of a listener once nobody waits for its connections any more.
      const listener = Deno.listen({ transport: "unix", path: `${path}/socket` });
      const accepting = listener.accept().catch(() => {});
      for (let turns = round % 10; turns > 0; turns--) await Promise.resolve();
      listener.close();
      await removeTree(path);
      assertEquals(await isThere(path), false);
      await accepting;
    });
  }
});

Deno.test("removeTree() removes thousands of files", async () => {
  await inFolder(async (path) => {
    for (let count = 0; count < 2_000; count++) Deno.writeTextFileSync(`${path}/${count}`, "");
    await removeTree(path);
    assertEquals(await isThere(path), false);
  });
});

Deno.test("removeTree() removes folders that are deeper than a path may be long", async () => {
  await inFolder(async (path) => {
    // Deno aborts when it removes one of 20,000 folders; a path may have 4,096 bytes.
    const script = "for (let count = 0; count < 1500; count++) {" +
      'Deno.mkdirSync("folder"); Deno.chdir("folder"); }';
    const made = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", script],
      cwd: path,
    }).output();
    assertEquals(made.code, 0);
    await removeTree(path);
    assertEquals(await isThere(path), false);
  });
});
