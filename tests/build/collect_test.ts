/** What is collected of a project to be mirrored. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import { checkTree } from "../../src/core/tree.ts";
import { Collector } from "../../src/build/collect.ts";
import { parseExclude, parseIgnoreFile } from "../../src/build/ignore_rules.ts";

/** A folder in which the project is `p`. */
class Here implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `files` are made with their paths as contents; a path that ends with `/` is a folder. */
  static async make(...files: string[]): Promise<Here> {
    const here = new Here(
      await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-collect-" })),
    );
    for (const path of ["p/", ...files]) here.file(path);
    return here;
  }

  file(path: string, text = path): void {
    const whole = `${this.folder}/${path}`;
    Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    if (!path.endsWith("/")) Deno.writeTextFileSync(whole, text);
  }

  link(path: string, target: string): void {
    Deno.symlinkSync(target, `${this.folder}/${path}`);
  }

  /** Collects what is named, relative to the project. */
  async collect(
    names: readonly string[],
    options: { exclude?: string; configured?: string[]; signal?: AbortSignal } = {},
  ) {
    const root = `${this.folder}/p`;
    const { exclude = "", configured, ...rest } = options;
    const excludes = parseIgnoreFile(exclude, root);
    const collector = new Collector(root, {
      excludes,
      configured: parseExclude(configured, root),
      ...rest,
    });
    for (const name of names) {
      const path = name === "" ? root : `${root}/${name}`;
      assertEquals(await collector.add(path), true, name);
    }
    const found = collector.collected();
    const { files, folders, links, leftOut, followed } = found;
    // Whatever is collected must be accepted on the other side.
    checkTree({ folders, links, packs: files.map((file) => packOf(file)) }, "");
    return {
      files: files.map(({ path }) => path),
      folders: folders.map(({ path }) => path),
      links: links.map(({ path, target }) => `${path} -> ${target}`),
      leftOut: leftOut.map((line) => line.replaceAll(this.folder, "<here>")),
      followed: followed.map((line) => line.replaceAll(this.folder, "<here>")),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

function packOf({ path, mode, size }: { path: string; mode: number; size: number }) {
  return { manifest: { size, pieces: [] }, files: [{ path, mode, size }] };
}

Deno.test("files and folders keep their places, and empty folders are there", async () => {
  await using here = await Here.make(
    "p/a",
    "p/data/b",
    "p/data/deep/c",
    "p/data/empty/",
    "p/other/d",
  );
  assertEquals(await here.collect(["a"]), {
    files: ["a"],
    folders: [],
    links: [],
    leftOut: [],
    followed: [],
  });
  const data = { files: ["data/b", "data/deep/c"], folders: ["data", "data/deep", "data/empty"] };
  assertEquals(await here.collect(["data"]), { ...data, links: [], leftOut: [], followed: [] });
  assertEquals(await here.collect(["data/b", "data", "data/deep"]), {
    ...data,
    links: [],
    leftOut: [],
    followed: [],
  });
  assertEquals((await here.collect([""])).files, ["a", "data/b", "data/deep/c", "other/d"]);
});

Deno.test("modes of files and folders are kept, without what only root may set", async () => {
  await using here = await Here.make("p/d/a", "p/d/b");
  await Deno.chmod(`${here.folder}/p/d/a`, 0o4751);
  await Deno.chmod(`${here.folder}/p/d/b`, 0o400);
  await Deno.chmod(`${here.folder}/p/d`, 0o2710);
  const collector = new Collector(`${here.folder}/p`);
  await collector.add(`${here.folder}/p/d`);
  const { files, folders } = collector.collected();
  assertEquals(files.map(({ mode, size }) => [mode, size]), [[0o751, 5], [0o400, 5]]);
  assertEquals(folders, [{ path: "d", mode: 0o710 }]);
});

Deno.test("what is not there is said, and what is neither file nor folder is left out", async () => {
  await using here = await Here.make("p/d/a");
  const collector = new Collector(`${here.folder}/p`);
  assertEquals(await collector.add(`${here.folder}/p/none`), false);
  assertEquals(await collector.add(`${here.folder}/p/d/a/b`), false);
  new Deno.Command("mkfifo", { args: [`${here.folder}/p/d/fifo`] }).outputSync();
  using _ = Deno.listen({ transport: "unix", path: `${here.folder}/p/d/socket` });
  here.link("p/d/null", "/dev/null");
  here.link("p/d/dangling", "/nowhere/at all");
  here.link("p/d/round", "round");
  const found = await here.collect(["d"]);
  assertEquals([found.files, found.links], [["d/a"], []]);
  assertEquals(found.leftOut, [
    "d/dangling is left out: it links to /nowhere/at all, which does not exist",
    "d/fifo is left out: it is a FIFO",
    "d/null is left out: it links to a device",
    "d/round is left out: it links to round, which does not exist",
    "d/socket is left out: it is a socket",
  ]);
});

Deno.test("a link inside the project stays one, and what it leads to is there, too", async () => {
  await using here = await Here.make("p/lib/v1/a", "p/lib/v2/b", "p/bin/", "p/data/x");
  here.link("p/current", "lib/v2");
  here.link("p/bin/a", "../lib/v1/a");
  here.link("p/bin/absolute", `${here.folder}/p/data/x`);
  here.link("p/bin/detour", "../lib/../data/x");
  here.link("p/bin/chain", "../current/b");
  assertEquals(await here.collect(["bin"]), {
    files: ["data/x", "lib/v1/a", "lib/v2/b"],
    folders: ["bin"],
    links: [
      "bin/a -> ../lib/v1/a",
      "bin/absolute -> ../data/x",
      "bin/chain -> ../current/b",
      "bin/detour -> ../data/x",
      "current -> lib/v2",
    ],
    leftOut: [],
    followed: [],
  });
  // One that is named, or on the way to what is named.
  assertEquals((await here.collect(["current"])).links, ["current -> lib/v2"]);
  assertEquals(await here.collect(["current/b"]), {
    files: ["lib/v2/b"],
    folders: [],
    links: ["current -> lib/v2"],
    leftOut: [],
    followed: [],
  });
});

Deno.test("a link to a folder that contains it stays a link, and adds nothing", async () => {
  await using here = await Here.make("p/d/a", "p/other");
  here.link("p/d/up", "..");
  here.link("p/d/self", ".");
  const found = await here.collect(["d"]);
  assertEquals([found.files, found.links], [["d/a"], ["d/self -> .", "d/up -> .."]]);
});

Deno.test("a link that leads out of the project is followed, which is said, and one of its links back stays a link", async () => {
  await using here = await Here.make("q/a", "q/deep/b", "p/d/", "p/data/x");
  here.link("p/d/q", "../../q");
  here.link("p/d/file", `${here.folder}/q/a`);
  here.link("q/deep/back", `${here.folder}/p/data/x`);
  here.link("q/deep/near", "../a");
  assertEquals(await here.collect(["d"]), {
    files: ["d/file", "d/q/a", "d/q/deep/b", "d/q/deep/near", "data/x"],
    folders: ["d", "d/q", "d/q/deep"],
    links: ["d/q/deep/back -> ../../../data/x"],
    leftOut: [],
    followed: [
      "d/file links to <here>/q/a, outside of the project: that is shipped in its place",
      "d/q links to <here>/q, outside of the project: that is shipped in its place",
      "d/q/deep/near links to <here>/q/a, outside of the project: that is shipped in its place",
    ],
  });
  assertEquals((await here.collect(["d/q/deep/b"])).files, ["d/q/deep/b"]);
  here.link("q/deep/round", "..");
  await assertRejects(() => here.collect(["d"]), UsageError, "which contains it");
  await Deno.remove(`${here.folder}/q/deep/round`);
  here.link("q/deep/round", "../..");
  await assertRejects(() => here.collect(["d"]), UsageError, "which contains it");
});

Deno.test(".gitignore files are honoured in folders, up to the top of the repository, and so is .git", async () => {
  await using here = await Here.make(
    ".git/config",
    "p/a.log",
    "p/a.txt",
    "p/build/x",
    "p/sub/b.log",
    "p/sub/kept.log",
    "p/sub/build/y",
    "p/sub/build/.git",
  );
  here.file(".gitignore", "*.log\n");
  here.file("p/.gitignore", "/build/\n");
  here.file("p/sub/.gitignore", "!kept.log\n");
  const all = [".gitignore", "a.txt", "sub/.gitignore", "sub/build/y", "sub/kept.log"];
  assertEquals((await here.collect([""])).files, all);
  assertEquals((await here.collect(["sub"])).files, all.slice(2));
  // Outside of a repository they count up to the root of the project.
  await Deno.remove(`${here.folder}/.git`, { recursive: true });
  assertEquals((await here.collect(["sub/build"])).files, ["sub/build/y"]);
  assertEquals((await here.collect([""])).files.includes("a.log"), true);
});

Deno.test("what is named is there, whatever .gitignore says", async () => {
  await using here = await Here.make("p/dist/a", "p/dist/b.log", "p/secret.env", "p/dist/cache/c");
  here.file("p/.gitignore", "dist/\n*.env\n*.log\n");
  here.file("p/dist/.gitignore", "cache\n");
  assertEquals((await here.collect([""])).files, [".gitignore"]);
  assertEquals((await here.collect(["secret.env", "dist"])).files, [
    "dist/.gitignore",
    "dist/a",
    "dist/b.log",
    "secret.env",
  ]);
  here.link("p/link", "dist/b.log");
  assertEquals((await here.collect([""])).files, [".gitignore", "dist/b.log"]);
});

Deno.test("exclude in deno.json leaves out what is found in folders, from where deno.json is", async () => {
  await using here = await Here.make(
    "p/a.txt",
    "p/a.log",
    "p/dist/b.txt",
    "p/sub/a.txt",
    "p/sub/dist/c.txt",
    "p/sub/c.log",
    "p/sub/d.tmp",
    "p/.gitignore",
  );
  const all = [
    ...[".gitignore", "a.log", "a.txt", "dist/b.txt", "sub/a.txt", "sub/c.log", "sub/d.tmp"],
    "sub/dist/c.txt",
  ];
  const without = (...names: string[]) => all.filter((name) => !names.includes(name));
  const table: [configured: string[], expected: string[]][] = [
    [[], all],
    // Unlike in .gitignore files, a name alone is that of one path.
    [["dist", "a.txt"], without("dist/b.txt", "a.txt")],
    [["./dist/"], without("dist/b.txt")],
    [["*.log"], without("a.log")],
    [["**/*.{log,tmp}"], without("a.log", "sub/c.log", "sub/d.tmp")],
    [["sub/**", "!sub/dist"], without("sub/a.txt", "sub/c.log", "sub/d.tmp")],
    [["../q", "", "none"], all],
  ];
  for (const [configured, expected] of table) {
    assertEquals((await here.collect([""], { configured })).files, expected, `${configured}`);
  }
  // What is named is there all the same, and what .gitignore leaves out can be taken back.
  const configured = ["dist", "!sub/c.log"];
  here.file("p/.gitignore", "*.log\n");
  assertEquals((await here.collect(["dist", "sub"], { configured })).files, [
    ...["dist/b.txt", "sub/a.txt", "sub/c.log", "sub/d.tmp", "sub/dist/c.txt"],
  ]);
  assertEquals((await here.collect(["dist", "a.log"], { configured })).files, [
    "a.log",
    "dist/b.txt",
  ]);
});

Deno.test("--exclude leaves out what is found and what is named, and links to that", async () => {
  await using here = await Here.make("p/a.txt", "p/node_modules/m/i", "p/d/b.txt", "p/d/c.md");
  here.link("p/d/m", "../node_modules/m");
  const found = await here.collect(["", "d/b.txt"], { exclude: "node_modules\n/d/*.txt" });
  assertEquals(found, {
    files: ["a.txt", "d/c.md"],
    folders: ["d"],
    links: [],
    leftOut: ["d/m is left out: it links to node_modules/m, which is excluded"],
    followed: [],
  });
});

Deno.test("names that cannot be kept are refused by name, with a way out", async () => {
  await using here = await Here.make("p/d/ok");
  const deep = Array.from({ length: 16 }, () => "x".repeat(240)).join("/");
  const cases: [name: Uint8Array<ArrayBuffer>, shown: string, why: string][] = [
    [new Uint8Array([0x63, 0xe9]), "d/c\ufffd", "its name is not UTF-8"],
    [new TextEncoder().encode("a\\b"), "d/a\\\\b", "it contains a backslash"],
  ];
  for (const [name, shown, why] of cases) {
    // Only a shell can make a file whose name is not UTF-8.
    const octal = Array.from(name, (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    const script = `cd "$1" && touch "$(printf '${octal}')"`;
    const { success } = new Deno.Command("sh", { args: ["-c", script, "-", `${here.folder}/p/d`] })
      .outputSync();
    assert(success);
    const { message } = await assertRejects(() => here.collect(["d"]), UsageError);
    assertStringIncludes(message, `Cannot ship "${shown}": ${why};`);
    assertStringIncludes(message, "--exclude");
    const pattern = shown.slice(2).replace("\\\\", "?");
    assertEquals((await here.collect(["d"], { exclude: pattern })).files, ["d/ok"]);
    new Deno.Command("sh", { args: ["-c", 'cd "$1" && rm [ca]*', "-", `${here.folder}/p/d`] })
      .outputSync();
  }
  let at = `${here.folder}/p/d`;
  new Deno.Command("sh", {
    args: [
      "-c",
      `cd "$1"; for d in ${deep.replaceAll("/", " ")}; do mkdir $d && cd $d; done`,
      "-",
      at,
    ],
  })
    .outputSync();
  const { message } = await assertRejects(() => here.collect(["d"]), UsageError);
  assertStringIncludes(message, "it is longer than 3800 bytes");
  at = `${here.folder}/p/d/${"x".repeat(240)}`;
  new Deno.Command("rm", { args: ["-r", at] }).outputSync();
});

Deno.test("names that differ only by case, long names, and odd ones are kept", async () => {
  const names = ["a", "A", "x".repeat(255), "line\nend", "-n", " ", "ü", "…"].map((name) =>
    `d/${name}`
  );
  await using here = await Here.make(...names.map((name) => `p/${name}`));
  assertEquals((await here.collect(["d"])).files, names.toSorted());
});

Deno.test("collecting ends with its signal", async () => {
  await using here = await Here.make(...Array.from({ length: 300 }, (_, index) => `p/d/${index}`));
  const signal = AbortSignal.abort(new Error("gone"));
  await assertRejects(() => here.collect(["d"], { signal }), Error, "gone");
});
