/** `deploy` and `fabric` as a user runs them: their exit statuses, and the output on each stream. */

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
    env: { NO_COLOR: "1", DEPLOY_BRIDGE: "", DEPLOY_FORMAT: "", DEPLOY_SECRET_FILE: "" },
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

  Deno.test(`${name} says a bad argument in one line on stderr, which names the help to read`, async () => {
    assertEquals(await run(file, ["--fromat", "json"]), {
      code: 2,
      stdout: "",
      stderr: `${name}: unknown option --fromat; did you mean --format? (see ${name} --help)\n`,
    });
    assertEquals(await run(file, ["completions", "csh"]), {
      code: 2,
      stdout: "",
      stderr: `${name}: the shell is "csh"; expected bash, zsh or fish ` +
        `(see ${name} completions --help)\n`,
    });
  });

  Deno.test(`${name} completions prints a script`, async () => {
    const { code, stdout, stderr } = await run(file, ["completions", "bash"]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertMatch(stdout, new RegExp(`^complete .* ${name}$`, "m"));
  });
}

Deno.test("each command has a page of its own, and the version", async () => {
  for (const args of [["dev", "--help"], ["-h", "dev"], ["dev", "--nix", "--help"]]) {
    const { code, stdout, stderr } = await run("fabric.ts", args);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertMatch(stdout, /^Usage: fabric dev /m);
  }
  assertEquals((await run("fabric.ts", ["dev", "-V"])).stdout, `fabric ${config.version}\n`);
});

Deno.test("deploy takes a word for a program only if there is such a file", async () => {
  assertEquals(await run("cli.ts", ["table"]), {
    code: 2,
    stdout: "",
    stderr: 'deploy: "table" is neither a command nor a file; expected a .ts or .js file ' +
      "(see deploy --help)\n",
  });
});

Deno.test("deploy says what of a deployment cannot be, before it begins", async () => {
  const wrong: [args: string[], message: string][] = [
    [["127.0.0.1:0", "main.ts"], `<bridge> is "127.0.0.1:0"; expected `],
    [["--mem", "much", "127.0.0.1:1"], '--mem is "much"; expected '],
    [["--cpu=-1", "127.0.0.1:1"], '--cpu is "-1"; expected '],
    [["--env", "NOT_SET", "127.0.0.1:1"], "--env NOT_SET is not set here; "],
    [["--format", "xml", "127.0.0.1:1"], '--format is "xml"; expected human, lines or json'],
    [["--include", "/none", "127.0.0.1:1", "examples/hello.ts"], "--include /none: there is no "],
  ];
  for (const [args, message] of wrong) {
    const { code, stdout, stderr } = await run("cli.ts", args);
    assertEquals({ code, stdout }, { code: 2, stdout: "" }, stderr);
    const line = stderr.trimEnd().split("\n").at(-1) ?? "";
    assert(line.startsWith(`deploy: ${message}`), stderr);
    assert(line.endsWith(" (see deploy --help)"), stderr);
  }
});

Deno.test("deploy says in one line what program there is none of, and which bridge", async () => {
  const failing: [args: string[], message: RegExp][] = [
    [["127.0.0.1:1", "none.ts"], /^deploy: Cannot build none\.ts: there is no such file\n$/],
    [["127.0.0.1:1", "README.md"], /^deploy: Cannot build README\.md: it is neither an [^\n]+\n$/],
    [
      ["127.0.0.1:1", "examples/hello.ts"],
      /^deploy: Cannot connect to the bridge at 127\.0\.0\.1:1: nothing listens there\n$/m,
    ],
    // What is wrong in a program is not found out for a bridge that is not there.
    [
      ["127.0.0.1:1", "--check", "--release", "tests/fixtures/ends.ts"],
      /^deploy: Cannot connect to the bridge at 127\.0\.0\.1:1: nothing listens there\n$/,
    ],
  ];
  for (const [args, message] of failing) {
    const { code, stdout, stderr } = await run("cli.ts", args);
    assertEquals({ code, stdout }, { code: 1, stdout: "" });
    assertMatch(stderr, message);
  }
});
