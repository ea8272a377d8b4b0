/** What each way to call `deploy` means, and what is said of each that is wrong. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/cli/arguments.ts";
import { parseDeployArguments, type RunCommand } from "../../src/cli/cli_options.ts";

const NO_OPTIONS = { format: undefined, secretFile: undefined, tlsCa: undefined };

const RUN: RunCommand = {
  command: "run",
  bridge: undefined,
  program: undefined,
  args: [],
  release: false,
  resources: {},
  env: new Map(),
  include: [],
  dryRun: false,
  detach: false,
  options: NO_OPTIONS,
};

Deno.test("parseDeployArguments() reads a program to run", () => {
  const bridge = { host: "10.0.0.1", port: 8888 };
  const table: [args: string[], expected: Partial<RunCommand>][] = [
    [[], {}],
    [["main.ts"], { program: "main.ts" }],
    [["./ps"], { program: "./ps" }],
    [["10.0.0.1:8888"], { bridge }],
    [["10.0.0.1:8888", "a.js"], { bridge, program: "a.js" }],
    [["10.0.0.1:8888", "ps"], { bridge, program: "ps" }],
    [["main.ts", "--", "-h", "1"], { program: "main.ts", args: ["-h", "1"] }],
    [["--", "ps"], { args: ["ps"] }],
    [["--release", "--dry-run", "--detach"], { release: true, dryRun: true, detach: true }],
    [["--mem", "1GiB", "--cpu=0.5"], { resources: { mem: 1024 ** 3, cpu: 0.5 } }],
    [["--env=A=b=c", "--env", "HOME", "--env", "E="], {
      env: new Map([["A", "b=c"], ["HOME", undefined], ["E", ""]]),
    }],
    [["--include", "a", "--include", "b"], { include: ["a", "b"] }],
    [["--format", "json", "--secret-file=s", "--tls-ca", "c"], {
      options: { format: "json", secretFile: "s", tlsCa: "c" },
    }],
  ];
  for (const [args, expected] of table) {
    assertEquals(parseDeployArguments(args), { ...RUN, ...expected }, JSON.stringify(args));
  }
});

Deno.test("parseDeployArguments() reads the other commands", () => {
  const options = NO_OPTIONS;
  assertEquals(parseDeployArguments(["-h", "--nix"]), { command: "help" });
  assertEquals(parseDeployArguments(["logs", "--help"]), { command: "help" });
  assertEquals(parseDeployArguments(["-V"]), { command: "version" });
  for (const command of ["ps", "nodes", "dashboard"] as const) {
    assertEquals(parseDeployArguments([command]), { command, options });
  }
  for (const command of ["attach", "why", "kill"] as const) {
    assertEquals(parseDeployArguments([command, "r1"]), { command, target: "r1", options });
  }
  for (const follow of [true, false]) {
    const args = follow ? ["-f", "logs", "r1"] : ["logs", "r1"];
    assertEquals(parseDeployArguments(args), { command: "logs", target: "r1", follow, options });
  }
});

Deno.test("parseDeployArguments() says what is wrong and what was expected", () => {
  const table: [args: string[], message: string][] = [
    [["--relaese"], '"--relaese" is no option; did you mean --release?'],
    [["a.ts", "b"], `"b" is one too many; a program's own arguments stand after --`],
    [["a:1", "b.ts", "c"], `"c" is one too many; a program's own arguments stand after --`],
    [["a:0"], '<bridge> is "a:0"; expected a port that is not 0'],
    [[""], "<program> is empty; expected a path"],
    [["--mem", "much"], '--mem is "much"; expected memory, as in 16GiB'],
    [["--cpu", "0"], '--cpu is "0"; expected a number of cores, as in 16 or 0.5'],
    [["--cpu", "-1"], "--cpu lacks its value; write --cpu C"],
    [["--env", "=x"], '--env is "=x"; expected NAME or NAME=VALUE'],
    [["--include="], "--include is empty; expected a path"],
    [["--secret-file="], "--secret-file is empty; expected a path"],
    [["--format", "xml"], '--format is "xml"; expected human or json'],
    [
      ["-f", "main.ts"],
      '--follow does not go with "a program"; it takes --release, --mem, --cpu, ' +
      "--env, --include, --dry-run, --detach, --format, --secret-file, --tls-ca",
    ],
    [
      ["ps", "--release"],
      '--release does not go with "ps"; it takes --format, --secret-file, --tls-ca',
    ],
    [["ps", "x"], '"x" is one too many; "ps" takes no more arguments'],
    [["ps", "--"], '"--" is one too many; "ps" takes no more arguments'],
    [["kill", "a", "b"], '"b" is one too many; "kill" takes one run'],
    [["logs"], '<run> is missing; "deploy ps" shows what runs'],
    [["why", ""], '<run|pid> is missing; "deploy ps" shows what runs'],
  ];
  for (const [args, message] of table) {
    const error = assertThrows(() => parseDeployArguments(args), UsageError);
    assertEquals(error.message, message);
  }
});
