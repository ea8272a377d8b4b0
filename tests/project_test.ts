/** The project's own files agree with each other, and its tasks do what the README says. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import config from "../deno.json" with { type: "json" };
import importMap from "../import_map.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);

async function task(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("import_map.json maps for users what deno.json maps for the project", () => {
  assertEquals(importMap.imports, config.imports);
});

Deno.test("the files that the documents name are there", async () => {
  const documents = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/protocol.md",
    "docs/operations.md",
    "docs/reliability.md",
  ];
  for await (const { name } of Deno.readDir(new URL("docs/decisions/", ROOT))) {
    documents.push(`docs/decisions/${name}`);
  }
  for (const document of documents) {
    const text = await Deno.readTextFile(new URL(document, ROOT));
    for (
      const [path] of text.matchAll(/\b(src|tests|scripts|examples|docs)(\/[\w.-]+)*\/\w+\.\w+/g)
    ) {
      const { isFile } = await Deno.stat(new URL(path, ROOT)).catch(() => ({ isFile: false }));
      assert(isFile, `${document} names ${path}`);
    }
  }
});

Deno.test("the program in the README is the example workers", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", ROOT));
  const example = await Deno.readTextFile(new URL("examples/workers.ts", ROOT));
  const program = example.slice(example.indexOf("import "));
  assertEquals(/```ts\n(import .*?)```/s.exec(readme)?.[1], program);
});

Deno.test("the list of decisions names each page, in order, by its title", async () => {
  const folder = new URL("docs/decisions/", ROOT);
  const pages = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name)
    .filter((name) => name !== "README.md").sort();
  const listed = (await Deno.readTextFile(new URL("README.md", folder)))
    .matchAll(/^(\d+)\. \[(.*)\]\((.*)\)$/gm).toArray();
  assertEquals(listed.map(([, , , page]) => page), pages);
  for (const [, number = "", title = "", page = ""] of listed) {
    const text = await Deno.readTextFile(new URL(page, folder));
    assertEquals(text.split("\n", 1)[0], `# ${number}. ${title}`);
    assert(page.startsWith(`${number.padStart(4, "0")}-`), page);
    assertEquals(
      [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading),
      ["Context", "Decision", "What it costs"],
      page,
    );
  }
});

Deno.test("CHANGELOG.md has a section for the version of deno.json, and one for what comes next", async () => {
  const text = await Deno.readTextFile(new URL("CHANGELOG.md", ROOT));
  const sections = [...text.matchAll(/^## \[(.+?)\](?: - (.+))?$/gm)].map(([, name, date]) => ({
    name,
    date,
  }));
  assertEquals(sections[0], { name: "Unreleased", date: undefined });
  assertEquals(sections[1]?.name, config.version);
  for (const { name, date = "" } of sections.slice(1)) {
    assert(/^\d{4}-\d\d-\d\d$/.test(date), `${name} has no date`);
  }
  const kinds = new Set(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]);
  for (const [, kind = ""] of text.matchAll(/^### (.*)$/gm)) assert(kinds.has(kind), kind);
});

Deno.test("what is published is what programs and the executables need", async () => {
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const said = new TextDecoder().decode(stderr);
  const files = [...said.matchAll(/^ +(file:\/\/\S+) \(/gm)].map(([, url = ""]) => url);
  const others = files.map((url) => url.slice(ROOT.href.length))
    .filter((path) =>
      !/^(src|types)\/[\w/]+\.(tsx?|css|json|lock)$/.test(path) && !/^types\/\w+\.d\.ts$/.test(path)
    );
  assertEquals(
    others.sort(),
    [
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "SECURITY.md",
      "cli.ts",
      "deno.json",
      "fabric.ts",
      "import_map.json",
      "mod.ts",
    ],
    said,
  );
  assert(files.includes(`${ROOT.href}src/process/init.ts`), said);
});

Deno.test("task example lists the examples, and runs the one that is named", async () => {
  const list = await task("example");
  assertEquals(list.code, 0);
  for await (const { name, isFile } of Deno.readDir(new URL("examples/", ROOT))) {
    if (isFile) assertStringIncludes(list.stdout, `\n  ${name.replace(".ts", "")} `);
  }

  const unknown = await task("example", "nothing");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, 'unknown example "nothing"; expected all_to_all, ');

  const hello = await task("example", "hello", "Ada");
  assertEquals(hello.code, 0, hello.stderr);
  assertStringIncludes(hello.stdout, "Hello Ada!");
});

Deno.test("each example says on top what it shows and how to run it", async () => {
  for await (const { name, isFile } of Deno.readDir(new URL("examples/", ROOT))) {
    if (!isFile) continue;
    const text = await Deno.readTextFile(new URL(`examples/${name}`, ROOT));
    assert(text.startsWith("/**\n"), name);
    const comment = text.slice(0, text.indexOf("*/"));
    assertStringIncludes(comment, `deno task example ${name.replace(".ts", "")}`);
  }
});

Deno.test("task demo runs to its end", async () => {
  const { code, stdout, stderr } = await task("demo");
  assertEquals(code, 0, stderr);
  assertStringIncludes(stdout, "total 4500!");
  assertStringIncludes(stdout, "That was the demo.");
});
