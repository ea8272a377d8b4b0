/** The project's own files agree with each other, and its tasks do what the README says of them. */

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
  const documents = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/protocol.md"];
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

Deno.test("task example lists the examples, and runs the one that is named", async () => {
  const list = await task("example");
  assertEquals(list.code, 0);
  for await (const { name, isFile } of Deno.readDir(new URL("examples/", ROOT))) {
    if (isFile) assertStringIncludes(list.stdout, `\n  ${name.replace(".ts", "")} `);
  }

  const unknown = await task("example", "nothing");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, '"nothing" is no example');

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
