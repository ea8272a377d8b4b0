/** Trees from other machines: what is refused, so that nothing is written outside of the project. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { MAX_FILE_BYTES, PIECE_BYTES } from "../../src/core/manifest.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { checkTree, EMPTY_TREE, foldersIn, staysInside, type Tree } from "../../src/core/tree.ts";

const file = (path: string, size = 3) => ({ path, mode: 0o644, size });
const manifest = (size: number) => ({ size, pieces: [] });
const files = (...paths: string[]): Tree => ({
  ...EMPTY_TREE,
  packs: [{ manifest: manifest(3 * paths.length), files: paths.map((path) => file(path)) }],
});
const link = (path: string, target: string): Tree => ({
  ...EMPTY_TREE,
  links: [{ path, target }],
});
const folder = (path: string, mode = 0o755): Tree => ({ ...EMPTY_TREE, folders: [{ path, mode }] });
const both = (one: Tree, other: Tree): Tree => ({
  folders: [...one.folders, ...other.folders],
  links: [...one.links, ...other.links],
  packs: [...one.packs, ...other.packs],
});

const GOOD: Record<string, Tree> = {
  "nothing": EMPTY_TREE,
  "files in folders that are not listed": files("a/b/c", "a/d", "e"),
  "names that differ only by case": files("a", "A"),
  "a file of any size": {
    ...EMPTY_TREE,
    packs: [{ manifest: manifest(MAX_FILE_BYTES), files: [file("a", MAX_FILE_BYTES)] }],
  },
  "an empty pack": { ...EMPTY_TREE, packs: [{ manifest: manifest(0), files: [] }] },
  "an empty folder, and one with a file": both(both(folder("a"), folder("b")), files("b/c")),
  "names with spaces, line ends and other scripts": files("a b", "a\nb", "ä", "…/漢字"),
  "a link to nothing": link("a/b", "../c/d"),
};

for (const [what, tree] of Object.entries(GOOD)) {
  Deno.test(`checkTree() accepts ${what}`, () => checkTree(tree, "cwd/below"));
}

const BAD: Record<string, Tree> = {
  "a file above the root": files("../a"),
  "a file above the root, by a detour": files("a/../../b"),
  "an absolute path": files("/etc/passwd"),
  "an empty path": files(""),
  "a NUL": files("a\0b"),
  "a backslash": files("..\\a"),
  "half a character": files("a\ud800"),
  "a path that is too long": files("é".repeat(1_901)),
  "a path that is too deep": files("a/".repeat(256) + "a"),
  "a folder above the root": folder("a/.."),
  "the same file twice": files("a", "a"),
  "the same folder twice": both(folder("a"), folder("a")),
  "a file that is also a link": both(files("a"), link("a", "b")),
  "a file that is also a folder": both(files("a"), folder("a")),
  "a file below a file": files("a", "a/b"),
  "a file below a link": both(files("a/b"), link("a", "c")),
  "a folder below a link": both(folder("a/b"), link("a", "c")),
  "a link that leads out": link("a/b", "../../c"),
  "an absolute link": link("a", "/etc"),
  "a pack of several files that is too large to be held in memory": {
    ...EMPTY_TREE,
    packs: [{ manifest: manifest(PIECE_BYTES + 1), files: [file("a", PIECE_BYTES), file("b", 1)] }],
  },
  "a file where the working directory is": files("cwd"),
  "a link where the working directory is": link("cwd/below", "x"),
  "a file where the main file is": files("main"),
  "a mode that is none": folder("a", 0o1000),
  "a mode that is no integer": folder("a", 0.5),
  "a negative size": {
    ...EMPTY_TREE,
    packs: [{ manifest: manifest(0), files: [file("a", -1), file("b", 1)] }],
  },
  "files that are larger than their pack": {
    ...EMPTY_TREE,
    packs: [{ manifest: manifest(2), files: [file("a")] }],
  },
};

for (const [what, tree] of Object.entries(BAD)) {
  Deno.test(`checkTree() refuses ${what}`, () => {
    assertThrows(() => checkTree(tree, "cwd/below", "main"), ProtocolError);
  });
}

Deno.test("checkTree() takes a quick look at deep paths, however many there are", () => {
  const deep = Array.from({ length: 4_000 }, (_, index) => `${index}/${"a/".repeat(250)}b`);
  checkTree(files(...deep), "");
});

Deno.test("staysInside() allows as many .. as there are folders, at the beginning only", () => {
  const targets: [path: string, target: string, isInside: boolean][] = [
    ["a", "b", true],
    ["a", ".", true],
    ["a", "..", false],
    ["a/b", "..", true],
    ["a/b", "../..", false],
    ["a/b/c", "../../d", true],
    ["a/b", "c/../d", false],
    ["a/b", "./c", false],
    ["a/b", "c//d", false],
    ["a/b", "c/", false],
    ["a/b", "", false],
    ["a/b", "c\\d", false],
  ];
  for (const [path, target, isInside] of targets) {
    assertEquals(staysInside({ path, target }), isInside, `${path} -> ${target}`);
  }
});

Deno.test("foldersIn() lists each folder after the one that it is in", () => {
  const tree = both(both(files("b/c/d", "a"), folder("e/f")), link("g/h", "i"));
  assertEquals(foldersIn(tree, "x/y"), ["b", "b/c", "e", "e/f", "g", "x", "x/y"]);
  assertEquals(foldersIn(EMPTY_TREE, ""), []);
});
