/** A store on a small disk. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MAX_FILE_BYTES } from "../../src/core/manifest.ts";
import { MiB } from "../../src/core/resources.ts";
import { diskOf, limitFor, MAX_LIMIT_BYTES } from "../../src/store/disk.ts";
import { manifestId } from "../../src/store/manifest_id.ts";
import { Store } from "../../src/store/store.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { ensureOne, source, type TestFolder, testFolder } from "./files.ts";

Deno.test("limitFor() is half of the disk, and never more than 10 GiB", () => {
  const disk = (sizeBytes: number) => ({ sizeBytes, freeBytes: 0 });
  assertEquals(limitFor(disk(56 * MiB)), 28 * MiB);
  assertEquals(limitFor(disk(4 * MAX_LIMIT_BYTES)), MAX_LIMIT_BYTES);
  assertEquals(limitFor(undefined), MAX_LIMIT_BYTES);
});

Deno.test("diskOf() gives the size of a disk, and nothing for a path that is not there", async () => {
  await using folder = await testFolder();
  const disk = await diskOf(folder.path);
  assert(disk !== undefined && disk.sizeBytes >= disk.freeBytes && disk.freeBytes > 0);
  assertEquals(await diskOf(`${folder.path}/nix`), undefined);
});

/** Does the work with a store on a disk of 56 MiB; nothing where no disk can be mounted. */
async function onSmallDisk(work: (store: Store, folder: TestFolder) => Promise<void>) {
  await using folder = await testFolder();
  const path = `${folder.path}/disk`;
  await Deno.mkdir(path);
  const run = async (command: string, ...args: string[]): Promise<boolean> =>
    (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  // Not every root may mount.
  if (!await run("mount", "-t", "tmpfs", "-o", "size=56m", "tmpfs", path)) return;
  try {
    await using store = await Store.open(`${path}/store`);
    await work(store, folder);
  } finally {
    await run("umount", "-l", path);
  }
}

const ignore = Deno.build.os !== "linux" || Deno.uid() !== 0;

/** A file whose pieces no other one has. */
async function fileOf(folder: TestFolder, index: number, bytes: number) {
  const contents = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(contents.subarray(at, at + 65_536));
  }
  return await source(folder, `file-${index}`, contents);
}

Deno.test({
  name: "a store on a small disk takes file after file, each as large as half of it",
  ignore,
  fn: () =>
    onSmallDisk(async (store, folder) => {
      for (let index = 0; index < 5; index++) {
        const file = await fileOf(folder, index, 25 * MiB);
        await using _ = await ensureOne(store, file.manifest, file.fetch);
      }
    }),
});

Deno.test({
  name: "a full disk makes a store remove what is not in use, and only that",
  ignore,
  fn: () =>
    onSmallDisk(async (store, folder) => {
      const [old, used, last] = await Promise.all(
        [10, 12, 14].map((size, index) => fileOf(folder, index, size * MiB)),
      );
      await (await ensureOne(store, old!.manifest, old!.fetch)).release();
      await using _used = await ensureOne(store, used!.manifest, used!.fetch);
      // Somebody else fills the disk, to the last byte.
      const filler = await Deno.open(`${folder.path}/disk/filler`, { create: true, write: true });
      const block = new Uint8Array(64 * 1024);
      await assertRejects(async () => {
        for (;;) await filler.write(block);
      });
      filler.close();
      const kept = async () =>
        (await Array.fromAsync(Deno.readDir(`${store.folder}/files`))).map(({ name }) => name);
      await assertRejects(() => ensureOne(store, last!.manifest, last!.fetch), StoreError, "space");
      assertEquals(await kept(), [await manifestId(used!.manifest)]);
      // There is room for a small one now.
      const small = await fileOf(folder, 3, 5 * MiB);
      await using _small = await ensureOne(store, small.manifest, small.fetch);
      assertEquals((await kept()).length, 2);
    }),
});

Deno.test({
  name: "files that cannot fit on the disk are refused before any of them is fetched or made",
  ignore,
  fn: () =>
    onSmallDisk(async (store) => {
      // As a hostile deploy may say: 4 GiB of one piece.
      const pieces = Array.from({ length: 32_768 }, () => "0".repeat(64));
      const manifest = { size: MAX_FILE_BYTES, pieces };
      let fetched = false;
      const error = await assertRejects(
        () => ensureOne(store, manifest, () => Promise.resolve(void (fetched = true))),
        StoreError,
      );
      assertMatch(
        error.message,
        /^Cannot store files in \S+: they have 4 GiB, and its disk has \d+(\.\d)? MiB free; /,
      );
      assertEquals(fetched, false);
    }),
});
