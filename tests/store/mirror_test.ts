/** A mirrored project on a node's disk. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { EMPTY_TREE, type Pack, type Tree } from "../../src/core/tree.ts";
import { mirror, type PackData } from "../../src/store/mirror.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { testFolder } from "./files.ts";

/** A pack, and its contents. */
function pack(files: Record<string, { text: string; mode?: number }>): [Pack, string] {
  const entries = Object.entries(files).map(([path, { text, mode = 0o644 }]) => (
    { path, mode, size: text.length, text }
  ));
  const text = entries.map(({ text }) => text).join("");
  const manifest = { size: text.length, pieces: [] };
  return [{ manifest, files: entries.map(({ text: _, ...file }) => file) }, text];
}

/** The paths below a folder, with modes, and the contents of files and targets of links. */
function listing(folder: string, path = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { name } of Deno.readDirSync(`${folder}/${path}`)) {
    const at = path === "" ? name : `${path}/${name}`;
    const info = Deno.lstatSync(`${folder}/${at}`);
    const mode = (info.mode! & 0o777).toString(8);
    if (info.isSymlink) found[at] = `-> ${Deno.readLinkSync(`${folder}/${at}`)}`;
    else if (info.isFile) found[at] = `${mode} ${Deno.readTextFileSync(`${folder}/${at}`)}`;
    else Object.assign(found, { [at]: mode }, listing(folder, at));
  }
  return found;
}

for (const way of ["from files", "from bytes"]) {
  Deno.test(`mirror() makes folders, files, links and modes, ${way}`, async () => {
    await using folder = await testFolder();
    const packs = [
      pack({
        "a/small": { text: "small" },
        "a/empty": { text: "" },
        "b/script": { text: "#!/bin/sh", mode: 0o755 },
        "b/shared": { text: "all", mode: 0o666 },
      }),
      pack({ "large": { text: "large", mode: 0o400 } }),
      pack({}),
    ];
    const tree: Tree = {
      folders: [{ path: "locked", mode: 0o500 }, { path: "locked/below", mode: 0o777 }],
      links: [{ path: "locked/link", target: "../large" }, { path: "l", target: "nowhere" }],
      packs: packs.map(([pack]) => pack),
    };
    const contents = async (_: Pack, index: number): Promise<PackData> => {
      const [, text] = packs[index]!;
      if (way === "from bytes") return { bytes: new TextEncoder().encode(text) };
      await Deno.writeTextFile(`${folder.path}/${index}`, text);
      return { path: `${folder.path}/${index}` };
    };
    const root = `${folder.path}/root`;
    await Deno.mkdir(root);
    await mirror(root, tree, { cwd: "src/tools", contents });
    assertEquals(listing(root), {
      "a": "755",
      "a/small": "644 small",
      "a/empty": "644 ",
      "b": "755",
      "b/script": "755 #!/bin/sh",
      "b/shared": "666 all",
      "l": "-> nowhere",
      "large": "400 large",
      "locked": "500",
      "locked/below": "777",
      "locked/link": "-> ../large",
      "src": "755",
      "src/tools": "755",
    });
    await Deno.chmod(`${root}/locked`, 0o700);
  });
}

Deno.test("mirror() names what cannot be placed", async () => {
  await using folder = await testFolder();
  const contents = () => Promise.resolve({ bytes: new Uint8Array() });
  const cases: [Tree, string][] = [
    // As on a file system where these names are equal.
    [{ ...EMPTY_TREE, packs: [pack({ "taken": { text: "" } })[0]] }, "does not tell its name from"],
    [{ ...EMPTY_TREE, folders: [{ path: "taken", mode: 0o755 }] }, "does not tell its name from"],
    [{ ...EMPTY_TREE, links: [{ path: "taken", target: "a" }] }, "does not tell its name from"],
    [{ ...EMPTY_TREE, folders: [{ path: "x".repeat(256), mode: 0o755 }] }, "too long"],
  ];
  await Deno.writeTextFile(`${folder.path}/taken`, "kept");
  for (const [tree, why] of cases) {
    const { message } = await assertRejects(
      () => mirror(folder.path, tree, { cwd: "", contents }),
      StoreError,
      why,
    );
    assertEquals(message.split('"').length, 3, message);
  }
  assertEquals(listing(folder.path), { "taken": "644 kept" });
});

Deno.test("mirror() ends with its signal", async () => {
  await using folder = await testFolder();
  const gone = new AbortController();
  const packs = Array.from({ length: 20 }, (_, index) => pack({ [`${index}`]: { text: "" } })[0]);
  let calls = 0;
  const contents = () => {
    if (++calls === 3) gone.abort(new Error("gone"));
    return Promise.resolve({ bytes: new Uint8Array() });
  };
  const options = { cwd: "", contents, signal: gone.signal };
  await assertRejects(
    () => mirror(folder.path, { ...EMPTY_TREE, packs }, options),
    Error,
    "gone",
  );
  assertEquals(calls, 3);
});
