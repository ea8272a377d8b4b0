/** `deploy` and `fabric` as a user runs them: exit status, and what goes to which stream. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import config from "../deno.json" with { type: "json" };

const PROGRAMS = [{ name: "deploy", file: "cli.ts" }, { name: "fabric", file: "fabric.ts" }];

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function run(file: string, args: string[]): Promise<Outcome> {
  const root = new URL("../", import.meta.url);
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(file, root).href, ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  return {
    code: output.code,
    stdout: text.decode(output.stdout),
    stderr: text.decode(output.stderr),
  };
}

for (const { name, file } of PROGRAMS) {
  Deno.test(`${name} --help prints the usage on stdout`, async () => {
    for (const option of ["-h", "--help"]) {
      const { code, stdout, stderr } = await run(file, [option]);
      assertEquals({ code, stderr }, { code: 0, stderr: "" });
      assertMatch(stdout, new RegExp(`^Usage: ${name} `, "m"));
    }
  });

  Deno.test(`${name} --version prints the project's version`, async () => {
    for (const option of ["-V", "--version"]) {
      const expected = { code: 0, stdout: `${name} ${config.version}\n`, stderr: "" };
      assertEquals(await run(file, [option]), expected);
    }
  });

  Deno.test(`${name} says a bad argument in one line, then the usage, on stderr`, async () => {
    const { code, stdout, stderr } = await run(file, ["--fromat", "json"]);
    assertEquals({ code, stdout }, { code: 2, stdout: "" });
    const usage = (await run(file, ["--help"])).stdout;
    assertEquals(
      stderr,
      `${name}: "--fromat" is no option; did you mean --format?\n\n${usage}`,
    );
  });
}

Deno.test("deploy and fabric say in one line what is not there yet", async () => {
  const commands: [file: string, args: string[]][] = [
    ["cli.ts", ["main.ts"]],
    ["cli.ts", ["ps"]],
    ["fabric.ts", ["127.0.0.1:0"]],
    ["fabric.ts", ["dev"]],
  ];
  for (const [file, args] of commands) {
    const { code, stdout, stderr } = await run(file, args);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertMatch(stderr, /^(deploy|fabric): [^\n]+\n$/);
    assert(stderr.includes("not there yet"), stderr);
  }
});
