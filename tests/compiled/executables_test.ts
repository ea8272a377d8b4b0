/** Programs and the project's own executables, compiled to single files. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { compile, execute } from "./compile.ts";

const DATA = `${import.meta.dirname}/../../examples/data`;

for (const [name, file] of [["deploy", "cli.ts"], ["fabric", "fabric.ts"]] as const) {
  Deno.test(`${name} compiled answers --version, and says a bad argument`, async () => {
    await using executable = await compile(file);
    const version = { code: 0, stdout: `${name} ${config.version}\n`, stderr: "" };
    assertEquals(await execute(executable, ["--version"]), version);
    const { code, stderr } = await execute(executable, ["--nix"]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `${name}: unknown option --nix; expected --`);
  });
}

Deno.test("a compiled program starts its processes from itself", async () => {
  await using executable = await compile("examples/workers.ts");
  const { code, stdout, stderr } = await execute(executable, []);
  const hellos = Array.from({ length: 10 }, (_, index) => `hello worker ${index}!\n`).join("");
  assertEquals({ code, stdout }, { code: 0, stdout: `${hellos}total 4500!\n` }, stderr);

  const asData = await execute(executable, [], { DEPLOY_FORMAT: "json" });
  assertEquals(asData.code, 0, asData.stderr);
  const events = asData.stdout.trimEnd().split("\n").map((line) => JSON.parse(line).event);
  assertEquals(events.filter((event) => event === "spawn").length, 11);
  assertEquals(events.filter((event) => event === "exit").length, 11);
});

Deno.test("a compiled program reads its arguments, and the files that it includes", async () => {
  await using executable = await compile("examples/word_count.ts", "--include", DATA);
  const { code, stdout, stderr } = await execute(executable, ["3"]);
  assertEquals(code, 0, stderr);
  assertEquals(stdout.match(/^\d+ characters, \d+ different words$/gm)?.length, 3, stdout);
  assertStringIncludes(stdout, "one process alone counts the same");
});

Deno.test("a compiled program has pools", async () => {
  await using executable = await compile("examples/hash_files.ts", "--include", DATA);
  const { code, stdout, stderr } = await execute(executable, [DATA, "2"]);
  assertEquals(code, 0, stderr);
  const text = await Deno.readFile(`${DATA}/moby_dick.txt`);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", text)).toHex();
  assertEquals(stdout, `${hash}  moby_dick.txt\n1 files, ${text.length} bytes\n`);
});
