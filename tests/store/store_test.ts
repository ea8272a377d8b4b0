/** The store: what it keeps, what it fetches, what it notices, and what it shares. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Manifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { manifestId } from "../../src/store/manifest_id.ts";
import { type FetchPieces, Store, type StoredFile } from "../../src/store/store.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { pieces, source, type TestFolder, testFolder } from "./files.ts";

const nothing: FetchPieces = () => Promise.reject(new Error("nothing can be fetched"));

async function open(folder: TestFolder, limitBytes?: number): Promise<Store> {
  const path = `${folder.path}/store`;
  return await Store.open(path, limitBytes === undefined ? {} : { limitBytes });
}

/** The names of everything in a folder. */
async function names(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
}

/** Changes one byte of a file that is not to be written to. */
async function damage(file: StoredFile, offset: number): Promise<void> {
  await Deno.chmod(file.path, 0o755);
  const bytes = await Deno.readFile(file.path);
  bytes[offset]! ^= 0xff;
  await Deno.writeFile(file.path, bytes);
}

Deno.test("ensure() fetches a file once, keeps it, and gives it to the next process", async () => {
  await using folder = await testFolder();
  const bytes = pieces(1, 2, 3);
  const file = await source(folder, "file", bytes);
  {
    await using store = await open(folder);
    assertEquals(await store.missing(file.manifest), [0, 1, 2, 3]);
    await using kept = await store.ensure(file.manifest, file.fetch);
    assertEquals(await Deno.readFile(kept.path), bytes);
    assertEquals((await Deno.stat(kept.path)).mode! & 0o777, 0o555);
    assertEquals(await store.missing(file.manifest), []);
    await using again = await store.ensure(file.manifest, nothing);
    assertEquals(again.path, kept.path);
  }
  await using store = await open(folder);
  await using kept = await store.ensure(file.manifest, nothing);
  assertEquals(await Deno.readFile(kept.path), bytes);
  assertEquals(file.asked, [[0, 1, 2, 3]]);
});

Deno.test("ensure() keeps an empty file without a fetch", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  await using kept = await store.ensure({ size: 0, pieces: [] }, nothing);
  assertEquals((await Deno.stat(kept.path)).size, 0);
});

Deno.test("ensure() requests only pieces that no other file has, once each", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const first = await source(folder, "first", pieces(1, 2, 3));
  const bytes = pieces(3, 4, 2, 4, 1, 4, 5);
  const second = await source(folder, "second", bytes);
  await using _ = await store.ensure(first.manifest, first.fetch);
  assertEquals(await store.missing(second.manifest), [1, 6]);
  await using kept = await store.ensure(second.manifest, second.fetch);
  assertEquals(second.asked, [[1, 6]]);
  assertEquals(await Deno.readFile(kept.path), bytes);
});

Deno.test("addSource() adds the pieces of a file without copying it", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const own = await source(folder, "fabric", pieces(1, 2, 3));
  const bytes = pieces(1, 2, 7);
  const shipped = await source(folder, "shipped", bytes);
  await store.addSource(own.path);
  assertEquals(await store.missing(shipped.manifest), [2]);
  // It is believed only as far as it still is what it was.
  await Deno.writeFile(own.path, pieces(1, 8, 3));
  await using kept = await store.ensure(shipped.manifest, shipped.fetch);
  assertEquals(shipped.asked, [[1, 2]]);
  assertEquals(await Deno.readFile(kept.path), bytes);
  assertEquals(await names(`${store.folder}/files`), [await manifestId(shipped.manifest)]);
  await assertRejects(
    () => store.addSource(`${folder.path}/nix`),
    StoreError,
    "no such file or folder",
  );
});

Deno.test("ensure() detects a damaged file, and fetches only the damaged pieces", async () => {
  await using folder = await testFolder();
  const bytes = pieces(1, 2, 3, 4);
  const file = await source(folder, "file", bytes);
  {
    await using store = await open(folder);
    await using kept = await store.ensure(file.manifest, file.fetch);
    await damage(kept, 2 * PIECE_BYTES + 17);
    await using mended = await store.ensure(file.manifest, file.fetch);
    assertEquals(await Deno.readFile(mended.path), bytes);
    assertEquals(
      await store.readPiece(file.manifest.pieces[2]!),
      bytes.slice(
        2 * PIECE_BYTES,
        3 * PIECE_BYTES,
      ),
    );
    await damage(mended, 5);
  }
  assertEquals(file.asked, [[0, 1, 2, 3, 4], [2]]);
  // By another process, too, and where the file became shorter or is gone.
  for (const change of ["nothing more", "cut", "gone", "no manifest"]) {
    await using store = await open(folder);
    const path = `${store.folder}/files/${await manifestId(file.manifest)}`;
    if (change === "cut") await Deno.truncate(`${path}/data`, PIECE_BYTES + 1);
    if (change === "gone") await Deno.remove(`${path}/data`);
    if (change === "no manifest") await Deno.writeTextFile(`${path}/manifest.msgpack`, "rubbish");
    await using kept = await store.ensure(file.manifest, file.fetch);
    assertEquals(await Deno.readFile(kept.path), bytes, change);
  }
  const all = [0, 1, 2, 3, 4];
  assertEquals(file.asked.slice(2), [[0], [1, 2, 3, 4], all, all]);
});

Deno.test("readPiece() gives existing pieces, and none that is damaged", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = pieces(1, 2);
  const file = await source(folder, "file", bytes);
  const [first = "", second = ""] = file.manifest.pieces;
  assertEquals(await store.readPiece(first), undefined);
  await using kept = await store.ensure(file.manifest, file.fetch);
  assertEquals(await store.readPiece(second), bytes.slice(PIECE_BYTES, 2 * PIECE_BYTES));
  await damage(kept, 0);
  assertEquals(await store.readPiece(first), undefined);
  assertEquals(await store.readPiece(second), bytes.slice(PIECE_BYTES, 2 * PIECE_BYTES));
});

Deno.test("ensure() makes one fetch for twenty concurrent calls", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2, 3));
  const kept = await Promise.all(
    Array.from({ length: 20 }, () => store.ensure(file.manifest, file.fetch)),
  );
  assertEquals(file.asked, [[0, 1, 2, 3]]);
  assertEquals(new Set(kept.map(({ path }) => path)).size, 1);
});

Deno.test("ensure() rejects all waiting calls when a fetch fails, and the next call starts again", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2, 3));
  let calls = 0;
  const cut: FetchPieces = async (missing, put) => {
    calls++;
    await file.fetch(missing.slice(0, 2), put);
    throw new Error("the connection was cut");
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => store.ensure(file.manifest, cut)),
  );
  assert(outcomes.every((each) => each.status === "rejected" && /was cut/.test(each.reason)));
  assertEquals(calls, 1);
  assertEquals(await store.missing(file.manifest), [0, 1, 2, 3]);
  await using kept = await store.ensure(file.manifest, file.fetch);
  assertEquals(await Deno.readFile(kept.path), pieces(1, 2, 3));
});

Deno.test("ensure() tries its own fetch when the one it waited for fails", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const first = store.ensure(file.manifest, () => Promise.reject(new Error("gone")));
  const second = store.ensure(file.manifest, file.fetch);
  await assertRejects(() => first, Error, "gone");
  await using kept = await second;
  assertEquals(await Deno.readFile(kept.path), pieces(1, 2));
});

Deno.test("ensure() rejects if the fetch leaves pieces out", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const lazy: FetchPieces = (missing, put) => file.fetch(missing.slice(1), put);
  await assertRejects(() => store.ensure(file.manifest, lazy), Error, "1 pieces have not arrived");
});

Deno.test("put() refuses a piece that does not match the manifest", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const right = pieces(1).slice(0, PIECE_BYTES);
  const wrong = right.slice();
  wrong[9]! ^= 1;
  const cases: [number, Uint8Array<ArrayBuffer>, string][] = [
    [0, wrong, "its hash is not"],
    [1, right, "its hash is not"],
    [0, right.slice(1), "expected 131072"],
    [2, right, "expected 100"],
    [3, right, "no such piece"],
    [-1, right, "no such piece"],
    [0.5, right, "no such piece"],
  ];
  for (const [index, bytes, message] of cases) {
    await assertRejects(
      () => store.ensure(file.manifest, (_, put) => put(index, bytes)),
      ProtocolError,
      message,
    );
  }
  await using kept = await store.ensure(file.manifest, async (missing, put) => {
    await put(0, right);
    await put(0, right);
    await file.fetch(missing, put);
  });
  assertEquals(await Deno.readFile(kept.path), pieces(1, 2));
});

Deno.test("put() takes pieces in any order, and several at once", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = pieces(1, 2, 3, 4, 5, 6, 7, 8);
  const file = await source(folder, "file", bytes);
  await using kept = await store.ensure(file.manifest, async (missing, put) => {
    await Promise.all(missing.toReversed().map((index) => file.fetch([index], put)));
  });
  assertEquals(await Deno.readFile(kept.path), bytes);
});

Deno.test("the least recently used files are removed first, and those in use are kept", async () => {
  await using folder = await testFolder();
  const file = async (name: string, seed: number) =>
    await source(folder, name, pieces(seed).slice(0, PIECE_BYTES));
  const [a, b, c, d] = [
    await file("a", 1),
    await file("b", 2),
    await file("c", 3),
    await file("d", 4),
  ] as const;
  await using store = await open(folder, 3 * PIECE_BYTES);
  const stillThere = async () => {
    const found: string[] = [];
    for (const [name, { manifest }] of Object.entries({ a, b, c, d })) {
      if ((await store.missing(manifest)).length === 0) found.push(name);
    }
    return found.join("");
  };
  // When each was last used.
  const use = async ({ manifest, fetch }: typeof a, ageMs: number) => {
    const kept = await store.ensure(manifest, fetch);
    await kept.release();
    const used = new Date(Date.now() - ageMs);
    const path = `${store.folder}/files/${await manifestId(manifest)}/manifest.msgpack`;
    await Deno.utime(path, used, used);
  };
  await use(a, 3_000);
  await use(b, 2_000);
  await use(c, 1_000);
  assertEquals(await stillThere(), "abc");
  await use(a, 500);
  await use(d, 0);
  assertEquals(await stillThere(), "acd");

  const inUse = await store.ensure(c.manifest, nothing);
  await using another = await open(folder, PIECE_BYTES);
  // The other one knows what this one uses.
  await (await another.ensure(b.manifest, b.fetch)).release();
  assertEquals(await stillThere(), "bc");
  await inUse.release();
  await inUse.release();
  await (await another.ensure(d.manifest, d.fetch)).release();
  assertEquals(await stillThere(), "d");
});

Deno.test("two stores in one folder share files, even when both fetch one at once", async () => {
  await using folder = await testFolder();
  await using one = await open(folder);
  await using other = await open(folder);
  const bytes = pieces(1, 2, 3);
  const file = await source(folder, "file", bytes);
  const both = await Promise.all([
    one.ensure(file.manifest, file.fetch),
    other.ensure(file.manifest, file.fetch),
  ]);
  for (const { path } of both) assertEquals(await Deno.readFile(path), bytes);
  const second = await source(folder, "second", pieces(1, 9, 3));
  await one.ensure(second.manifest, second.fetch);
  await other.ensure(second.manifest, nothing);
  assertEquals(second.asked, [[1]]);
});

Deno.test("a killed process keeps nothing in use, and leaves nothing behind", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1));
  await (await store.ensure(file.manifest, file.fetch)).release();

  const script = new URL("store_process.ts", import.meta.url).pathname;
  const args = ["run", "-A", "--quiet", script, store.folder, JSON.stringify(file.manifest)];
  const other = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
  const reader = other.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value), "ready\n");
  const live = await names(`${store.folder}/live`);
  assertEquals(live.length, 2);

  const large = await source(folder, "large", pieces(5));
  const squeeze = async () => {
    await using small = await open(folder, 0);
    await (await small.ensure(large.manifest, large.fetch)).release();
    return await store.missing(file.manifest);
  };
  assertEquals(await squeeze(), []);
  other.kill("SIGKILL");
  await other.status;
  await reader.cancel();
  await Deno.remove(`${store.folder}/files/${await manifestId(large.manifest)}`, {
    recursive: true,
  });
  assertEquals(await squeeze(), [0]);
  // Only this one is left, since the one that squeezed removed what was dead, and then itself.
  assertEquals((await names(`${store.folder}/live`)).length, 1);
});

Deno.test("a run's folder has the files placed in it, and is removed with its contents", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = pieces(1);
  const file = await source(folder, "file", bytes);
  await using kept = await store.ensure(file.manifest, file.fetch);
  const run = await store.runFolder("run-1", "src/tools");
  {
    await using _ = run;
    assertEquals(await names(run.path), ["work"]);
    assertEquals(await names(`${run.path}/work/src/tools`), []);
    const program = await run.link(kept, "program");
    const script = await run.copy(kept, "data/deep/script", { executable: true });
    const text = await run.copy(kept, "data/text", { executable: false });
    assertEquals([program, text], [`${run.path}/program`, `${run.path}/work/data/text`]);
    for (const path of [program, script, text]) assertEquals(await Deno.readFile(path), bytes);
    const [linked, copied, plain] = [
      Deno.statSync(program),
      Deno.statSync(script),
      Deno.statSync(text),
    ];
    assertEquals(linked.ino, (await Deno.stat(kept.path)).ino);
    assertEquals([linked.mode! & 0o777, copied.mode! & 0o777], [0o555, 0o755]);
    assertEquals(plain.mode! & 0o777, 0o644);
    await Deno.writeTextFile(text, "changed");
    await Deno.writeTextFile(`${run.path}/work/data/own`, "made by the program");
    await assertRejects(() => store.runFolder("run-1"), StoreError);
  }
  await assertRejects(() => Deno.stat(run.path), Deno.errors.NotFound);
  assertEquals(await Deno.readFile(kept.path), bytes);
  await (await store.runFolder("run-1"))[Symbol.asyncDispose]();
});

for (const id of ["", "..", "a/b", "a\0", "x".repeat(65), "ä"]) {
  Deno.test(`runFolder() refuses the id ${JSON.stringify(id)}`, async () => {
    await using folder = await testFolder();
    await using store = await open(folder);
    await assertRejects(() => store.runFolder(id), ProtocolError, "as the id of a run");
  });
}

Deno.test("paths that lead out of a run's folder are refused", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  await using run = await store.runFolder("run");
  await using kept = await store.ensure({ size: 0, pieces: [] }, nothing);
  const bad = [
    "",
    "/",
    "/etc/x",
    "../x",
    "a/../x",
    "a/..",
    ".",
    "a//b",
    "a/",
    "a\0b",
    "a\\b",
    "x".repeat(1025),
  ];
  for (const name of bad) {
    await assertRejects(() => run.link(kept, name), ProtocolError, "as the name of a file", name);
    await assertRejects(() => run.copy(kept, name, { executable: false }), ProtocolError);
  }
  assertEquals(await names(run.path), ["work"]);
  await assertRejects(() => store.runFolder("other", "../x"), ProtocolError);
  await run.link(kept, "..a/.b");
});

Deno.test("open() reports in one line what is wrong with the folder, and what to do", async () => {
  await using folder = await testFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const inAFile = `${folder.path}/file/store`;
  const cases: [string, string][] = [
    [inAFile, "--store DIR"],
    ["/proc/store", "--store DIR"],
    [`${folder.path}/${"x".repeat(90)}`, "the path is too long; use a shorter one"],
  ];
  for (const [path, advice] of cases) {
    const { message } = await assertRejects(() => Store.open(path), StoreError);
    assertStringIncludes(message, `Cannot store files in ${path}: `);
    assertStringIncludes(message, advice);
    assertEquals(message.split("\n").length, 1);
  }
});

Deno.test("a store that has lost its folder reports it, and what to do", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file: Manifest = (await source(folder, "file", pieces(1))).manifest;
  await Deno.remove(store.folder, { recursive: true });
  const error = await assertRejects(() => store.ensure(file, nothing), StoreError);
  assertStringIncludes(error.message, `Cannot store files in ${store.folder}: `);
});
