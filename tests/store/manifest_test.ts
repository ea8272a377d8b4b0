/** Manifests: their contents, and those that are refused. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type Manifest,
  MAX_FILE_BYTES,
  packManifest,
  PIECE_BYTES,
  pieceBytes,
  unpackManifest,
} from "../../src/core/manifest.ts";
import { manifestId } from "../../src/store/manifest_id.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { isIntact, readPiece } from "../../src/store/piece_file.ts";
import { sha256 } from "../../src/store/sha256.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { pieces, randomBytes, testFolder } from "./files.ts";

const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC_HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("sha256() is SHA-256, for the first bytes and after many", async () => {
  const abc = new TextEncoder().encode("abc");
  assertEquals(await sha256(new Uint8Array()), EMPTY_HASH);
  assertEquals(await sha256(abc), ABC_HASH);
  await sha256(new Uint8Array(16 * 1024 * 1024));
  assertEquals(await sha256(new Uint8Array()), EMPTY_HASH);
  assertEquals(await sha256(abc), ABC_HASH);
});

Deno.test("manifestOf() hashes each piece, and the shorter last one", async () => {
  await using folder = await testFolder();
  for (const size of [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES + 7]) {
    const bytes = randomBytes(size, size);
    const path = `${folder.path}/${size}`;
    await Deno.writeFile(path, bytes);
    const manifest = await manifestOf(path);
    const expected: string[] = [];
    for (let at = 0; at < size; at += PIECE_BYTES) {
      expected.push(await sha256(bytes.slice(at, at + PIECE_BYTES)));
    }
    assertEquals(manifest, { size, pieces: expected });
    assertEquals(unpackManifest(structuredClone(packManifest(manifest))), manifest);
    assertEquals(await isIntact(path, manifest), true);
    const read = new Uint8Array(size);
    for (const index of manifest.pieces.keys()) {
      const piece = await readPiece(path, manifest, index);
      assertEquals(piece.length, pieceBytes(manifest, index));
      read.set(piece, index * PIECE_BYTES);
    }
    assertEquals(read, bytes, `size ${size}`);
  }
});

Deno.test("manifestId() is the same for the same contents only", async () => {
  const manifest: Manifest = { size: 3, pieces: [ABC_HASH] };
  assertEquals(await manifestId(manifest), await manifestId({ ...manifest }));
  assertNotEquals(await manifestId(manifest), await manifestId({ ...manifest, size: 4 }));
  assertNotEquals(await manifestId(manifest), await manifestId({ size: 3, pieces: [EMPTY_HASH] }));
});

const HASH_BYTES = Uint8Array.fromHex(ABC_HASH);

const REFUSED: readonly [string, unknown][] = [
  ["nothing", null],
  ["a text", "manifest"],
  ["no size", { hashes: new Uint8Array() }],
  ["a negative size", { size: -1, hashes: new Uint8Array() }],
  ["a fraction", { size: 0.5, hashes: HASH_BYTES }],
  ["NaN", { size: NaN, hashes: new Uint8Array() }],
  ["too large", { size: MAX_FILE_BYTES + 1, hashes: new Uint8Array() }],
  ["no hashes", { size: 1 }],
  ["too few hashes", { size: PIECE_BYTES + 1, hashes: HASH_BYTES }],
  ["too many hashes", {
    size: PIECE_BYTES,
    hashes: new Uint8Array([...HASH_BYTES, ...HASH_BYTES]),
  }],
  ["a short hash", { size: 3, hashes: HASH_BYTES.subarray(1) }],
  ["hashes as text", { size: 3, hashes: ABC_HASH.slice(32) }],
  ["something like bytes", { size: 3, hashes: { length: 32 } }],
];

for (const [name, value] of REFUSED) {
  Deno.test(`unpackManifest() refuses ${name}`, () => {
    assertThrows(() => unpackManifest(value), ProtocolError, "Cannot read manifest");
  });
}

Deno.test("readPiece() and isIntact() detect a changed file", async () => {
  await using folder = await testFolder();
  const path = `${folder.path}/file`;
  const bytes = pieces(1, 2);
  await Deno.writeFile(path, bytes);
  const manifest = await manifestOf(path);
  bytes[PIECE_BYTES + 5]! ^= 1;
  await Deno.writeFile(path, bytes);
  await readPiece(path, manifest, 0);
  await assertRejects(() => readPiece(path, manifest, 1), StoreError, "it has changed");
  assertEquals(await isIntact(path, manifest), false);
  await Deno.truncate(path, PIECE_BYTES);
  await assertRejects(() => readPiece(path, manifest, 2), StoreError, "it has changed");
  assertEquals(await isIntact(path, manifest), false);
  assertEquals(await isIntact(`${folder.path}/nothing`, manifest), false);
});

Deno.test("manifestOf() caches a large file until it changes", async () => {
  await using folder = await testFolder();
  const cache = `${folder.path}/cache`;
  const path = `${folder.path}/large`;
  const bytes = new Uint8Array(5 * 1024 * 1024);
  const written = new Date(Date.now() - 60_000);
  const cached = () => manifestOf(path, cache, Date.now() + 60_000);
  await Deno.writeFile(path, bytes);
  await Deno.utime(path, written, written);
  const manifest = await cached();
  const [entry] = await Array.fromAsync(Deno.readDir(cache));
  // The stored manifest is returned, as a change to it shows.
  const remembered = `${cache}/${entry?.name}`;
  const other = { ...manifest, pieces: manifest.pieces.map(() => ABC_HASH) };
  const kept = await Deno.readFile(remembered);
  kept.set(packManifest(other).hashes, kept.length - packManifest(manifest).hashes.length);
  await Deno.writeFile(remembered, kept);
  assertEquals(await cached(), other);

  // The same size, and the same time, as tools set it that make equal files from equal sources.
  bytes[0] = 1;
  const changedAt = async () => (await Deno.stat(path)).ctime?.getTime();
  const before = await changedAt();
  // Deno tells the time of a change in whole seconds: so in use, none is cached that is younger.
  while (await changedAt() === before) {
    await Deno.writeFile(path, bytes);
    await Deno.utime(path, written, written);
  }
  const changed = await cached();
  assertEquals(changed, await manifestOf(path));
  assertNotEquals(changed.pieces[0], manifest.pieces[0]);

  await Deno.writeTextFile(remembered, "{rubbish");
  assertEquals(await cached(), changed);
  assertEquals(await cached(), changed);
});

Deno.test("manifestOf() does not cache a file that may still change within the clock's resolution", async () => {
  await using folder = await testFolder();
  const path = `${folder.path}/large`;
  await Deno.writeFile(path, new Uint8Array(5 * 1024 * 1024));
  // Only the time of its last write is long ago.
  await Deno.utime(path, 0, 0);
  await manifestOf(path, `${folder.path}/cache`);
  await assertRejects(() => Deno.stat(`${folder.path}/cache`), Deno.errors.NotFound);
});

Deno.test("manifestOf() ignores a cache that cannot be used", async () => {
  await using folder = await testFolder();
  const path = `${folder.path}/large`;
  await Deno.writeFile(path, new Uint8Array(5 * 1024 * 1024));
  await Deno.writeTextFile(`${folder.path}/cache`, "a file");
  const cached = await manifestOf(path, `${folder.path}/cache`, Date.now() + 60_000);
  assertEquals(cached, await manifestOf(path));
});

Deno.test("manifestOf() reports in one line what cannot be shipped", async () => {
  await using folder = await testFolder();
  const cases = [
    [`${folder.path}/nothing`, "no such file or folder"],
    [folder.path, "it is not a file"],
  ] as const;
  for (const [path, message] of cases) {
    const error = await assertRejects(() => manifestOf(path), StoreError);
    assertEquals(error.message, `Cannot ship ${path}: ${message}`);
  }
  const large = `${folder.path}/large`;
  await Deno.writeFile(large, new Uint8Array());
  await Deno.truncate(large, MAX_FILE_BYTES + 1);
  await assertRejects(() => manifestOf(large), StoreError, "the limit is 4294967296");
});
