/** How files are joined to packs, and what is sent again when they change. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { PIECE_BYTES } from "../../src/core/manifest.ts";
import { dividePacks, packFiles } from "../../src/build/packs.ts";
import { PieceSource } from "../../src/build/piece_source.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { numbers } from "../store/files.ts";

interface Sized {
  readonly path: string;
  readonly size: number;
}

function randomFiles(seed: number, count: number, maxSize: number): Sized[] {
  const next = numbers(seed);
  return Array.from({ length: count }, (_, index) => ({
    path: `folder/${index.toString().padStart(6, "0")}`,
    size: next() % maxSize,
  }));
}

Deno.test("dividePacks() keeps all files in order, and packs of several fit in one piece", () => {
  const seed = Date.now() % 1e6;
  for (const maxSize of [10, 3_000, 40_000, 200_000]) {
    const files = randomFiles(seed, 2_000, maxSize);
    const packs = dividePacks(files);
    const what = `seed ${seed}, up to ${maxSize} bytes`;
    const key = ({ path }: Sized) => path;
    assertEquals(packs.flat().map(key).sort(), files.map(key), what);
    for (const pack of packs) {
      assert(pack.length > 0, what);
      const bytes = pack.reduce((sum, { size }) => sum + size, 0);
      assert(pack.length === 1 || bytes <= PIECE_BYTES, what);
    }
  }
});

Deno.test("dividePacks() makes few packs of many small files", () => {
  const { length } = dividePacks(randomFiles(1, 10_000, 100));
  assert(length > 50 && length < 400, `${length} packs`);
});

Deno.test("dividePacks() changes few packs when a file is added, removed or changed", () => {
  const files = randomFiles(2, 10_000, 3_000);
  const keys = (packs: Sized[][]) => new Set(packs.map((pack) => JSON.stringify(pack)));
  const before = keys(dividePacks(files));
  const changes = {
    added: files.toSpliced(500, 0, { path: "folder/000499b", size: 7 }),
    removed: files.toSpliced(500, 1),
    changed: files.with(500, { ...files[500]!, size: 2_999 }),
  };
  for (const [what, changed] of Object.entries(changes)) {
    const fresh = keys(dividePacks(changed)).difference(before).size;
    assert(fresh >= 1 && fresh <= 12, `${what}: ${fresh} packs`);
  }
});

Deno.test("packFiles() describes packs whose pieces a PieceSource reads", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const contents = ["one", "", "three".repeat(20_000), "four"];
    const files = await Promise.all(contents.map(async (text, index) => {
      const source = `${folder}/${index}`;
      await Deno.writeTextFile(source, text);
      return { source, path: `${index}`, mode: 0o640, size: text.length };
    }));
    const { packs, sources } = await packFiles(files, {});
    assertEquals(sources.map(({ manifest }) => manifest), packs.map(({ manifest }) => manifest));
    using pieces = new PieceSource(sources);
    const read = new Map<string, string>();
    for (const { manifest, files } of packs) {
      let text = "";
      for (const hash of manifest.pieces) {
        const bytes = await pieces.read(hash);
        assertEquals(bytes.length, pieces.size(hash));
        text += new TextDecoder().decode(bytes);
      }
      assertEquals(text.length, manifest.size);
      for (const { path, mode, size } of files) {
        assertEquals(mode, 0o640);
        read.set(path, text.slice(0, size));
        text = text.slice(size);
      }
    }
    assertEquals(contents.map((_, index) => read.get(`${index}`)), contents);

    await Deno.writeTextFile(`${folder}/0`, "two");
    const hash = packs.find(({ files }) => files.some(({ path }) => path === "0"))!.manifest
      .pieces[0]!;
    await assertRejects(() => pieces.read(hash), Error, "changed while it was being sent");
    for (const text of ["three", "", "on"]) {
      await Deno.writeTextFile(`${folder}/0`, text);
      await assertRejects(
        () => packFiles(files, {}),
        StoreError,
        "changed while it was being read",
      );
    }
    await Deno.remove(`${folder}/0`);
    await assertRejects(() => packFiles(files, {}), StoreError, `Cannot ship ${folder}/0: no such`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("packFiles() ends with its signal", async () => {
  const files = randomFiles(3, 10, 10).map((file) => ({
    ...file,
    source: "/nowhere",
    mode: 0o644,
  }));
  const gone = AbortSignal.abort(new Error("gone"));
  await assertRejects(() => packFiles(files, { signal: gone }), Error, "gone");
});
