/** The store: what it keeps, fetches, detects and shares. */

// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { type Manifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { manifestId } from "../../src/store/manifest_id.ts";
import { type FetchPieces, Store } from "../../src/store/store.ts";
import { sha256 } from "../../src/store/sha256.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import {
  ensureOne,
  missingOf,
  pieces,
  source,
  type StoredFile,
  type TestFolder,
  testFolder,
} from "./files.ts";

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
    assertEquals(await missingOf(store, file.manifest), [0, 1, 2, 3]);
    await using kept = await ensureOne(store, file.manifest, file.fetch);
    assertEquals(await Deno.readFile(kept.path), bytes);
    assertEquals((await Deno.stat(kept.path)).mode! & 0o777, 0o555);
    assertEquals(await missingOf(store, file.manifest), []);
    await using again = await ensureOne(store, file.manifest, nothing);
    assertEquals(again.path, kept.path);
  }
  await using store = await open(folder);
  await using kept = await ensureOne(store, file.manifest, nothing);
  assertEquals(await Deno.readFile(kept.path), bytes);
  assertEquals(file.asked, [[0, 1, 2, 3]]);
});

Deno.test("ensure() keeps an empty file without a fetch", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  await using kept = await ensureOne(store, { size: 0, pieces: [] }, nothing);
  assertEquals((await Deno.stat(kept.path)).size, 0);
});

Deno.test("ensure() requests only pieces that no other file has, once each", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const first = await source(folder, "first", pieces(1, 2, 3));
  const bytes = pieces(3, 4, 2, 4, 1, 4, 5);
  const second = await source(folder, "second", bytes);
  await using _ = await ensureOne(store, first.manifest, first.fetch);
  assertEquals(await missingOf(store, second.manifest), [1, 6]);
  await using kept = await ensureOne(store, second.manifest, second.fetch);
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
  assertEquals(await missingOf(store, shipped.manifest), [2]);
  // It is used only as far as it is unchanged.
  await Deno.writeFile(own.path, pieces(1, 8, 3));
  await using kept = await ensureOne(store, shipped.manifest, shipped.fetch);
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
    await using kept = await ensureOne(store, file.manifest, file.fetch);
    await damage(kept, 2 * PIECE_BYTES + 17);
    await using mended = await ensureOne(store, file.manifest, file.fetch);
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
  // Also by another process, and if the file has become shorter or is gone.
  for (const change of ["nothing more", "cut", "gone", "no manifest"]) {
    await using store = await open(folder);
    const path = `${store.folder}/files/${await manifestId(file.manifest)}`;
    if (change === "cut") await Deno.truncate(`${path}/data`, PIECE_BYTES + 1);
    if (change === "gone") await Deno.remove(`${path}/data`);
    if (change === "no manifest") await Deno.writeTextFile(`${path}/manifest.msgpack`, "rubbish");
    await using kept = await ensureOne(store, file.manifest, file.fetch);
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
  await using kept = await ensureOne(store, file.manifest, file.fetch);
  assertEquals(await store.readPiece(second), bytes.slice(PIECE_BYTES, 2 * PIECE_BYTES));
  await damage(kept, 0);
  assertEquals(await store.readPiece(first), undefined);
  assertEquals(await store.readPiece(second), bytes.slice(PIECE_BYTES, 2 * PIECE_BYTES));
});

Deno.test("ensure() of many files makes one fetch, for each piece once, and keeps their order", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const contents = [pieces(1, 2), pieces(2, 3), pieces(), pieces(1, 2), new Uint8Array()];
  const files = await Promise.all(
    contents.map((bytes, index) => source(folder, `${index}`, bytes)),
  );
  const there = await ensureOne(store, files[0]!.manifest, files[0]!.fetch);
  await there.release();
  const asked: string[][] = [];
  const manifests = files.map(({ manifest }) => manifest);
  await using kept = await store.ensure(manifests, async (missing, put) => {
    asked.push([...missing]);
    for (const file of files) {
      const own = file.manifest.pieces.filter((hash) => missing.includes(hash));
      if (own.length > 0) await file.fetch(own, put);
    }
  });
  assertEquals(asked, [[files[1]!.manifest.pieces[1]!]]);
  const found = await Promise.all(kept.paths.map((path) => Deno.readFile(path)));
  assertEquals(found, contents);
});

/** How many files in a folder this process has open. Those of tests in other threads are elsewhere. */
function openFilesIn(folder: string): number {
  return Array.from(Deno.readDirSync("/proc/self/fd"), ({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return ""; // it has been closed in the meantime
    }
  }).filter((path) => path.startsWith(`${folder}/`)).length;
}

Deno.test("ensure() has few files open at once, however many it receives, and stores them all", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  {
    using _file = await Deno.open(`${folder.path}/file`, { create: true, write: true });
    assertEquals(openFilesIn(folder.path), 1, "it counts what is open");
  }
  const bytes = Array.from(
    { length: 300 },
    (_, index) => new TextEncoder().encode(`file ${index}`),
  );
  const hashes = await Promise.all(bytes.map((each) => sha256(each)));
  const manifests = bytes.map(({ length }, index) => ({ size: length, pieces: [hashes[index]!] }));
  const before = openFilesIn(folder.path);
  let [most, puts] = [0, 0];
  await using kept = await store.ensure(manifests, async (missing, put) => {
    await Promise.all(
      missing.toReversed().map(async (hash) => {
        await put(hash, bytes[hashes.indexOf(hash)]!);
        if (puts++ % 10 === 0) most = Math.max(most, openFilesIn(folder.path) - before);
      }),
    );
  });
  assert(most <= 8, `${most} files`);
  assertEquals(kept.paths.length, 300);
  assertEquals((await names(`${store.folder}/files`)).length, 300);
  assertEquals(await Deno.readFile(kept.paths[299]!), bytes[299]!);
});

Deno.test("ensure() keeps the files that are complete when a fetch fails, and the next call goes on", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = Array.from(
    { length: 100 },
    (_, index) => new TextEncoder().encode(`file ${index}`),
  );
  const hashes = await Promise.all(bytes.map((each) => sha256(each)));
  const manifests = bytes.map(({ length }, index) => ({ size: length, pieces: [hashes[index]!] }));
  const cut: FetchPieces = async (missing, put) => {
    for (const hash of missing.slice(0, 80)) await put(hash, bytes[hashes.indexOf(hash)]!);
    throw new Error("the connection was cut");
  };
  await assertRejects(() => store.ensure(manifests, cut), Error, "was cut");
  assertEquals(await store.missing(manifests), hashes.slice(64));
});

Deno.test("ensure() ends with its signal at once, and leaves nothing behind", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2, 3));
  const gone = new AbortController();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const receiving = store.ensure([file.manifest], async (missing, put) => {
    await file.fetch(missing.slice(0, 1), put);
    begin();
    await new Promise((_, reject) =>
      gone.signal.addEventListener("abort", () => reject(gone.signal.reason))
    );
  }, gone.signal);
  await begun;
  gone.abort(new Error("gone"));
  await assertRejects(() => receiving, Error, "gone");
  const [owner] = await names(`${store.folder}/live`);
  assertEquals(await names(`${store.folder}/live/${owner}`), ["pins", "s"]);
  assertEquals(await names(`${store.folder}/live/${owner}/pins`), []);
  await assertRejects(() => store.ensure([file.manifest], nothing, gone.signal), Error, "gone");
});

Deno.test("concurrent calls do not wait for each other's fetch", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const { promise: slow, reject: end } = Promise.withResolvers<never>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const first = store.ensure([file.manifest], () => {
    begin();
    return slow;
  });
  await begun;
  await using kept = await ensureOne(store, file.manifest, file.fetch);
  assertEquals(await Deno.readFile(kept.path), pieces(1, 2));
  end(new Error("gone"));
  await assertRejects(() => first, Error, "gone");
});

Deno.test("ensure() rejects if the fetch leaves pieces out", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const lazy: FetchPieces = (missing, put) => file.fetch(missing.slice(1), put);
  await assertRejects(
    () => ensureOne(store, file.manifest, lazy),
    Error,
    "1 pieces have not arrived",
  );
});

Deno.test("put() refuses a piece that does not match its hash, or the manifest", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1, 2));
  const right = pieces(1).slice(0, PIECE_BYTES);
  const wrong = right.slice();
  wrong[9]! ^= 1;
  const [first = "", second = ""] = file.manifest.pieces;
  const cases: [string, Uint8Array<ArrayBuffer>, string][] = [
    [first, wrong, "its hash is not"],
    [second, right, "its hash is not"],
    [first, right.slice(1), "it has 131071 bytes, expected 131072"],
    ["", right, "its hash is not"],
  ];
  for (const [hash, bytes, why] of cases) {
    await assertRejects(
      () => ensureOne(store, file.manifest, (_, put) => put(hash, bytes)),
      ProtocolError,
      why,
    );
  }
  const short = new Uint8Array(5);
  const lying = { size: 6, pieces: [await sha256(short)] };
  await assertRejects(
    () => ensureOne(store, lying, ([hash], put) => put(hash!, short)),
    ProtocolError,
    "it has 5 bytes, expected 6",
  );
  await using kept = await ensureOne(store, file.manifest, async (missing, put) => {
    await put(first, right);
    await put(first, right);
    await file.fetch(missing, put);
  });
  assertEquals(await Deno.readFile(kept.path), pieces(1, 2));
});

Deno.test("put() takes pieces in any order, and several at once", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = pieces(1, 2, 3, 4, 5, 6, 7, 8);
  const file = await source(folder, "file", bytes);
  await using kept = await ensureOne(store, file.manifest, async (missing, put) => {
    await Promise.all(missing.toReversed().map((hash) => file.fetch([hash], put)));
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
      if ((await missingOf(store, manifest)).length === 0) found.push(name);
    }
    return found.join("");
  };
  // The time of each one's last use.
  const use = async ({ manifest, fetch }: typeof a, ageMs: number) => {
    const kept = await ensureOne(store, manifest, fetch);
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

  const inUse = await ensureOne(store, c.manifest, nothing);
  await using another = await open(folder, PIECE_BYTES);
  // The other store knows which files this one uses.
  await (await ensureOne(another, b.manifest, b.fetch)).release();
  assertEquals(await stillThere(), "bc");
  await inUse.release();
  await inUse.release();
  await (await ensureOne(another, d.manifest, d.fetch)).release();
  assertEquals(await stillThere(), "d");
});

Deno.test("two stores in one folder share files, even when both fetch one at once", async () => {
  await using folder = await testFolder();
  await using one = await open(folder);
  await using other = await open(folder);
  const bytes = pieces(1, 2, 3);
  const file = await source(folder, "file", bytes);
  const both = await Promise.all([
    ensureOne(one, file.manifest, file.fetch),
    ensureOne(other, file.manifest, file.fetch),
  ]);
  for (const { path } of both) assertEquals(await Deno.readFile(path), bytes);
  const second = await source(folder, "second", pieces(1, 9, 3));
  await ensureOne(one, second.manifest, second.fetch);
  await ensureOne(other, second.manifest, nothing);
  assertEquals(second.asked, [[1]]);
});

Deno.test("a killed process keeps nothing in use, and leaves nothing behind", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file = await source(folder, "file", pieces(1));
  await (await ensureOne(store, file.manifest, file.fetch)).release();

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
    await (await ensureOne(small, large.manifest, large.fetch)).release();
    return await missingOf(store, file.manifest);
  };
  assertEquals(await squeeze(), []);
  other.kill("SIGKILL");
  await other.status;
  await reader.cancel();
  await Deno.remove(`${store.folder}/files/${await manifestId(large.manifest)}`, {
    recursive: true,
  });
  assertEquals(await squeeze(), [0]);
  // Only this one is left: the one that made room removed the dead ones, and then its own.
  assertEquals((await names(`${store.folder}/live`)).length, 1);
});

Deno.test("what a killed process has left keeps no other one from opening the store, and is removed", async () => {
  await using folder = await testFolder();
  const earlier = await open(folder);
  await earlier[Symbol.asyncDispose]();
  const left = `${earlier.folder}/live/01234567`;
  await Deno.mkdir(`${left}/runs/1/work/locked`, { recursive: true });
  await Deno.symlink("/etc", `${left}/runs/1/work/link`);
  for (const path of [`${left}/runs/1/work/locked`, `${left}/runs/1/work`, left]) {
    await Deno.chmod(path, 0);
  }
  await using store = await open(folder);
  assertEquals((await names(`${store.folder}/live`)).length, 1);
  while ((await names(`${store.folder}/trash`)).length > 0) await delay(10);
});

Deno.test("a run's folder has an empty project, and what is placed in it, and is removed as a whole", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const bytes = pieces(1);
  const file = await source(folder, "file", bytes);
  await using kept = await ensureOne(store, file.manifest, file.fetch);
  const run = await store.runFolder("run-1");
  {
    await using _ = run;
    assertEquals(await names(run.path), ["work"]);
    const program = await run.place(kept.path, "program");
    const inside = await run.place(kept.path, "work/bin/program");
    assertEquals([program, inside], [`${run.path}/program`, `${run.path}/work/bin/program`]);
    assertEquals(await Deno.readFile(inside), bytes);
    // What the program does to its file does not change the store.
    await Deno.chmod(program, 0o755);
    await Deno.writeTextFile(program, "changed");
    assertEquals(await Deno.readFile(kept.path), bytes);
    await Deno.writeTextFile(`${run.path}/work/own`, "made by the program");
    await Deno.mkdir(`${run.path}/work/locked/deep`, { recursive: true });
    await Deno.chmod(`${run.path}/work/locked`, 0o500);
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
  await using kept = await ensureOne(store, { size: 0, pieces: [] }, nothing);
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
    "x".repeat(3_801),
  ];
  for (const name of bad) {
    await assertRejects(() => run.place(kept.path, name), ProtocolError, "as the name of a file");
  }
  assertEquals(await names(run.path), ["work"]);
  await run.place(kept.path, "..a/.b");
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

Deno.test({
  name: "where too many files are open, what to do is to raise that limit",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await testFolder();
    const script = `
      const { Store } = await import(${
      JSON.stringify(import.meta.resolve("../../src/store/store.ts"))
    });
      const open = [];
      try { for (;;) open.push(Deno.openSync("/dev/null")); } catch { /* there are no more */ }
      await Store.open(Deno.args[0]).catch(({ message }) => console.log(message));
      for (const file of open) file.close();
    `;
    const { stdout } = await new Deno.Command("/bin/sh", {
      args: ["-c", `ulimit -n 100; exec "$0" eval "$1" "$2"`, Deno.execPath(), script, folder.path],
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertMatch(said, /^Cannot store files in .*Too many open files.*; raise the limit /);
  },
});

Deno.test("a store that has lost its folder reports it, and what to do", async () => {
  await using folder = await testFolder();
  await using store = await open(folder);
  const file: Manifest = (await source(folder, "file", pieces(1))).manifest;
  await Deno.remove(store.folder, { recursive: true });
  const why = `Cannot store files in ${store.folder}: somebody has removed it; start fabric again`;
  await assertRejects(() => ensureOne(store, file, nothing), StoreError, why);
  await assertRejects(() => store.runFolder("1"), StoreError, why);
  // Made again by the way, it would be one that others may enter.
  await assertRejects(() => Deno.stat(store.folder), Deno.errors.NotFound);
});
