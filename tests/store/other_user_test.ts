/** Whether the place for what is another user's is safe from that user. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { folderForOther, whyUnsafe } from "../../src/store/other_user.ts";
import { RunFolder } from "../../src/store/run_folder.ts";
import { StoreError } from "../../src/store/store_error.ts";

const OTHER = { name: "other", uid: Deno.uid()!, gid: Deno.gid()! };

/** Runs `fn` with the path of a store, in a folder of its own. */
async function inFolder(fn: (store: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await fn(`${folder}/store`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const modeOf = async (path: string) => ((await Deno.lstat(path)).mode ?? 0) & 0o7777;

Deno.test("whyUnsafe() says where somebody else could put another folder", () => {
  const root = { path: "/", uid: 0, mode: 0o755 };
  const tmp = { path: "/tmp", uid: 0, mode: 0o1777 };
  assertEquals(whyUnsafe([{ path: "/own", uid: 7, mode: 0o700 }, root], 7), undefined);
  assertEquals(whyUnsafe([{ path: "/tmp/own", uid: 7, mode: 0o755 }, tmp, root], 7), undefined);
  assertEquals(
    whyUnsafe([{ path: "/tmp/its", uid: 8, mode: 0o755 }, tmp, root], 7),
    "/tmp/its belongs to another user (8)",
  );
  for (const mode of [0o777, 0o775, 0o757]) {
    assertEquals(
      whyUnsafe(
        [{ path: "/own/in", uid: 7, mode: 0o700 }, { path: "/own", uid: 7, mode }, root],
        7,
      ),
      "others may move what is in /own",
    );
  }
});

Deno.test("the folder for another user may be entered by others, and is the same the next time", async () => {
  await inFolder(async (store) => {
    for (let round = 0; round < 2; round++) {
      assertEquals(await folderForOther(store, OTHER), `${store}.other`);
      assertEquals(await modeOf(`${store}.other`), 0o711);
    }
  });
});

Deno.test("what lies in its place is refused before anything is changed", async () => {
  await inFolder(async (store, folder) => {
    await Deno.mkdir(`${folder}/private`, { mode: 0o700 });
    await Deno.symlink(`${folder}/private`, `${store}.other`);
    const error = await assertRejects(() => folderForOther(store, OTHER), StoreError);
    assertEquals(
      error.message,
      `Cannot use the folder ${store}.other: others could change what is in it; name another place with --store`,
    );
    assertEquals(await modeOf(`${folder}/private`), 0o700);
    assertEquals([...Deno.readDirSync(`${folder}/private`)], []);
  });
  await inFolder(async (store, folder) => {
    await Deno.chmod(folder, 0o777);
    await assertRejects(
      () => folderForOther(store, OTHER),
      StoreError,
      "others may move what is in",
    );
    assertEquals([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("what another user leaves among the wills of a run is removed with the run", async () => {
  await inFolder(async (_, folder) => {
    const run = await RunFolder.make(`${folder}/runs`, "run-1", OTHER);
    assertEquals(run.wills, `${folder}/runs/run-1.wills`);
    assertEquals(await modeOf(run.wills!), 0o730);
    await run.complete();
    await Deno.writeFile(`${run.wills}/large`, new Uint8Array(1_000));
    await Deno.mkdir(`${run.wills}/folder`);
    await Deno.symlink("/etc", `${run.wills}/folder/link`);
    await run[Symbol.asyncDispose]();
    assertEquals([...Deno.readDirSync(`${folder}/runs`)], []);
  });
});
