/** Whose stdin is whose: what the first process reads, and what is left for others. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { commandFor, way } from "./ways.ts";

/** Runs a shell's script in a folder with a program, which is started by `"$@"`. */
async function shell(script: string, source: string): Promise<string> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-test-" }));
  try {
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `import { init } from "deploy"; await init();\n${source}`,
    );
    await Deno.writeTextFile(`${directory}/abc`, "a\nb\nc\n");
    const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
    const options = { args: [], flags: ["-A"], env: {}, deno, format: "human" } as const;
    const command = await commandFor(directory, options);
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", script, "sh", command.path, ...command.args],
      cwd: directory,
      env: command.env,
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(120_000),
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a program that does not read its stdin leaves it to whoever reads it next", async () => {
  const text = await shell(
    `while read line; do echo "line $line"; "$@"; done < abc`,
    `console.log("ran");`,
  );
  assertEquals(text, "line a\nran\nline b\nran\nline c\nran\n");
});

Deno.test({
  name: "a program that reads a part of its stdin leaves the rest",
  ignore: way === "deployed",
  fn: async () => {
    const text = await shell(
      `cat abc | ("$@"; cat)`,
      `const bytes = new Uint8Array(2);
      console.log(Deno.stdin.readSync(bytes), new TextDecoder().decode(bytes).trim());`,
    );
    assertEquals(text, "2 a\nb\nc\n");
  },
});
