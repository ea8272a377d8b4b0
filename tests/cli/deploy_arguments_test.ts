/** The meaning of each command line of `deploy`, and the errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { scanArguments } from "../../src/cli/arguments.ts";
import { readRunCommand, type RunCommand } from "../../src/cli/deploy_arguments.ts";
import { DEPLOY } from "../../src/cli/deploy_table.ts";
import { NO_SETTINGS } from "../../src/core/runtime_settings.ts";
import { UsageError } from "../../src/core/usage_error.ts";

function parse(
  args: readonly string[],
  isFile: (path: string) => boolean = () => false,
): RunCommand {
  return readRunCommand(scanArguments(args, DEPLOY), isFile);
}

const NO_OPTIONS = {
  format: undefined,
  graceMs: undefined,
  secretFile: undefined,
  plain: false,
};

const RUN: RunCommand = {
  bridge: undefined,
  program: undefined,
  args: [],
  release: false,
  resources: {},
  env: new Map(),
  include: [],
  exclude: [],
  stdin: true,
  check: false,
  dryRun: false,
  name: undefined,
  detach: false,
  raw: false,
  inspection: undefined,
  deno: {
    config: undefined,
    importMap: undefined,
    permissionSet: undefined,
    cert: undefined,
    unstable: [],
    settings: NO_SETTINGS,
  },
  options: NO_OPTIONS,
};

const DENO_OPTIONS: [args: string[], expected: Partial<RunCommand["deno"]>][] = [
  [["-A"], {}],
  [["--allow-all"], {}],
  [["-c", "a.json", "--import-map=b.json", "--cert", "c.pem"], {
    config: "a.json",
    importMap: "b.json",
    cert: "c.pem",
  }],
  [["--allow-net", "--allow-read=a,b", "--deny-env=HOME"], {
    settings: {
      ...NO_SETTINGS,
      permissions: ["--allow-net", "--allow-read=a,b", "--deny-env=HOME"],
    },
  }],
  [["-A", "--deny-run"], { settings: { ...NO_SETTINGS, permissions: ["--deny-run"] } }],
  [["--unstable-kv", "--unstable-sloppy-imports"], {
    unstable: ["kv", "sloppy-imports"],
    settings: { ...NO_SETTINGS, unstable: ["kv"] },
  }],
  [["--v8-flags=--expose-gc,--stack-size=100", "--location", "https://example.com"], {
    settings: {
      ...NO_SETTINGS,
      v8Flags: ["--expose-gc", "--stack-size=100"],
      location: "https://example.com",
    },
  }],
];

Deno.test("readRunCommand() reads a program to run", () => {
  const bridge = { host: "10.0.0.1", port: 8888 };
  const table: [args: string[], expected: Partial<RunCommand>][] = [
    [[], {}],
    [["main.ts"], { program: "main.ts" }],
    [["./px"], { program: "./px" }],
    [["10.0.0.1:8888"], { bridge }],
    [["10.0.0.1:8888", "a.js"], { bridge, program: "a.js" }],
    [["10.0.0.1:8888", "px"], { bridge, program: "px" }],
    [["main.ts", "--", "-h", "1"], { program: "main.ts", args: ["-h", "1"] }],
    [["--", "ps"], { args: ["ps"] }],
    [["--release", "--dry-run"], { release: true, dryRun: true }],
    [["--check"], { check: true }],
    [["--mem", "1GiB", "--cpu=0.5"], { resources: { mem: 1024 ** 3, cpu: 0.5 } }],
    [["--env=A=b=c", "--env", "HOME", "--env", "E="], {
      env: new Map([["A", "b=c"], ["HOME", undefined], ["E", ""]]),
    }],
    [["--include", "a", "--include", "b"], { include: ["a", "b"] }],
    [["--exclude", "*.log", "--exclude=b/"], { exclude: ["*.log", "b/"] }],
    [["--inspect"], { inspection: { names: null, breaks: false } }],
    [["--inspect", "main.ts"], {
      inspection: { names: null, breaks: false },
      program: "main.ts",
    }],
    [["--inspect-brk=worker,main.ts"], {
      inspection: { names: ["worker", "main.ts"], breaks: true },
    }],
    [["-n"], { stdin: false }],
    [["--no-stdin"], { stdin: false }],
    [["--format", "json", "--grace", "0", "--secret-file=s", "--plain"], {
      options: { format: "json", graceMs: 0, secretFile: "s", plain: true },
    }],
  ];
  for (const [args, expected] of DENO_OPTIONS) {
    assertEquals(parse([...args, "main.ts"]), {
      ...RUN,
      program: "main.ts",
      deno: { ...RUN.deno, ...expected },
    });
  }
  for (const [args, expected] of table) {
    assertEquals(parse(args), { ...RUN, ...expected }, JSON.stringify(args));
  }
});

Deno.test("a word is a program if there is such a file, and otherwise an unknown command", () => {
  const isFile = (path: string) => path === "px" || path === "my-tool";
  for (const word of ["px", "my-tool", "main.ts", "./status", "Status", "bin/status"]) {
    assertEquals(parse([word], isFile).program, word);
  }
  const table: [args: string[], message: string][] = [
    [["status"], '"status" is neither a command nor a file; expected a .ts or .js file'],
    [["node"], '"node" is neither a command nor a file; did you mean nodes?'],
    [
      ["completion", "bash"],
      '"completion" is neither a command nor a file; did you mean completions?',
    ],
    [["complete"], '"complete" is neither a command nor a file; expected a .ts or .js file'],
  ];
  for (const [args, message] of table) {
    assertEquals(assertThrows(() => parse(args, isFile), UsageError).message, message);
  }
});

Deno.test("readRunCommand() reports what is wrong and what was expected", () => {
  const table: [args: string[], message: string][] = [
    [["--relaese"], "unknown option --relaese; did you mean --release?"],
    [
      ["--deep"],
      "unknown option --deep; expected --release, --check, --mem, --cpu, --env, --include, --exclude, --no-stdin, " +
      "--name, --detach, --dry-run, --inspect, --inspect-brk, --grace, --raw, --format, --secret-file or --plain",
    ],
    [
      ["a.ts", "b"],
      'unexpected argument "b"; expected one program, and its own arguments after --',
    ],
    [
      ["a:1", "b.ts", "c"],
      'unexpected argument "c"; expected one program, and its own arguments after --',
    ],
    [["a:0"], '<bridge> is "a:0"; expected a port that is not 0'],
    [[""], "<program> is empty; expected a path"],
    [["a:1", ""], "<program> is empty; expected a path"],
    [["--mem", "much"], '--mem is "much"; expected memory, as in 16GiB'],
    [["--cpu", "0"], '--cpu is "0"; expected a number of cores, as in 16 or 0.5'],
    [["--cpu", "-1"], '--cpu is "-1"; expected a number of cores, as in 16 or 0.5'],
    [["--inspect", "--inspect-brk"], "--inspect and --inspect-brk are given; expected one of them"],
    [["--inspect=a,,b"], 'Cannot use --inspect: "a,,b" has an empty name; write names with commas'],
    [
      ["--inspect", "--detach"],
      "--inspect needs deploy to stay; expected it without --detach",
    ],
    [
      ["--inspect-brk", "--release"],
      "--inspect-brk needs source maps, which executables do not have; expected it without --release",
    ],
    [["--cpu", "--release"], "--cpu has no value; expected --cpu C"],
    [
      ["10.0.0.1", "main.ts"],
      '<bridge> is "10.0.0.1", which has no port; expected host:port, as in 10.0.0.1:8888',
    ],
    [
      ["node1.lan", "main.ts"],
      '<bridge> is "node1.lan", which has no port; expected host:port, as in node1.lan:8888',
    ],
    [
      ["http://10.0.0.1:8888", "main.ts"],
      '<bridge> is "http://10.0.0.1:8888", which is a URL; expected host:port, as in 10.0.0.1:8888',
    ],
    [["a:70000"], '<bridge> is "a:70000"; expected host:port, with a port of at most 65535'],
    [["https://x/main.ts"], '<program> is "https://x/main.ts", which is a URL; expected a path'],
    [["--env", "=x"], '--env is "=x"; expected NAME or NAME=VALUE'],
    [["--include="], "--include is empty; expected a path"],
    [["--exclude="], "--exclude is empty; expected a pattern"],
    [["--secret-file="], "--secret-file is empty; expected a path"],
    [["--format", "xml"], '--format is "xml"; expected human, lines or json'],
  ];
  for (const [args, message] of table) {
    const error = assertThrows(() => parse(args), UsageError);
    assertEquals(error.message, message);
  }
});
