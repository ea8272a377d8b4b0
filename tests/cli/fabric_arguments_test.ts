/** The meaning of each command line of `fabric`, and the errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { scanArguments } from "../../src/cli/arguments.ts";
import { UsageError } from "../../src/core/usage_error.ts";
import { GiB } from "../../src/core/resources.ts";
import {
  type FabricCommand,
  type FabricOptions,
  readFabricCommand,
} from "../../src/cli/fabric_arguments.ts";
import { FABRIC } from "../../src/cli/fabric_table.ts";

function parse(args: readonly string[]): FabricCommand {
  return readFabricCommand(scanArguments(args, FABRIC));
}

const OPTIONS: FabricOptions = {
  format: undefined,
  verbose: false,
  secretFile: undefined,
  store: undefined,
  graceMs: undefined,
  ports: undefined,
  metrics: undefined,
  insecure: false,
  plain: false,
  deny: [],
  mostRuns: undefined,
  user: undefined,
  mostRunBytes: undefined,
  mostPersonBytes: undefined,
  permissions: [],
};

Deno.test("readFabricCommand() reads each command", () => {
  const a = { host: "10.0.0.1", port: 9999 };
  const b = { host: "::1", port: 0 };
  const options = OPTIONS;
  const table: [args: string[], expected: FabricCommand][] = [
    [["10.0.0.1:9999"], { command: "node", bind: a, options }],
    [["[::1]:0"], { command: "node", bind: b, options }],
    [["10.0.0.1:9999", "n.toml"], {
      command: "master-of-file",
      bind: a,
      nodesFile: "n.toml",
      options,
    }],
    [["master", "10.0.0.1:9999", "1 GiB", "16"], {
      command: "master",
      nodes: [{ address: a, resources: { mem: GiB, cpu: 16 }, bridge: undefined }],
      options,
    }],
    [["master", "10.0.0.1:9999", "1GiB", "2", "bridge", "[::1]:0", "[::1]:0", "2GiB", ".5"], {
      command: "master",
      nodes: [
        { address: a, resources: { mem: GiB, cpu: 2 }, bridge: b },
        { address: b, resources: { mem: 2 * GiB, cpu: 0.5 }, bridge: undefined },
      ],
      options,
    }],
    [["master", "10.0.0.1:9999", "bridge", "[::1]:0", "[::1]:0"], {
      command: "master",
      nodes: [
        { address: a, resources: undefined, bridge: b },
        { address: b, resources: undefined, bridge: undefined },
      ],
      options,
    }],
    [["join", "[::1]:0", "10.0.0.1:9999"], {
      command: "join",
      bind: b,
      master: a,
      resources: undefined,
      options,
    }],
    [["join", "[::1]:0", "10.0.0.1:9999", "1GiB", "4"], {
      command: "join",
      bind: b,
      master: a,
      resources: { mem: GiB, cpu: 4 },
      options,
    }],
    [["dev"], { command: "dev", nodes: undefined, resources: {}, bridge: undefined, options }],
    [["dev", "--nodes", "3", "--mem=1GiB", "--cpu", "2", "--bridge", "10.0.0.1:9999"], {
      command: "dev",
      nodes: 3,
      resources: { mem: GiB, cpu: 2 },
      bridge: a,
      options,
    }],
    [["drain", "10.0.0.1:9999", "b:1", "--format", "json", "--secret-file", "s"], {
      command: "drain",
      master: a,
      node: { host: "b", port: 1 },
      options: { format: "json", secretFile: "s", plain: false },
    }],
    [["secret"], { command: "secret", file: undefined }],
    [["secret", "f"], { command: "secret", file: "f" }],
    [["invite", "anna"], {
      ...{ command: "invite", name: "anna" },
      ...{ file: undefined, secretFile: undefined },
    }],
    [["invite", "anna-2", "f", "--secret-file", "s"], {
      ...{ command: "invite", name: "anna-2" },
      ...{ file: "f", secretFile: "s" },
    }],
    [["10.0.0.1:9999", "n.toml", "--deny", "anna", "--deny=ben", "--runs=3"], {
      command: "master-of-file",
      bind: a,
      nodesFile: "n.toml",
      options: { ...options, deny: ["anna", "ben"], mostRuns: 3 },
    }],
  ];
  for (const [args, expected] of table) {
    assertEquals(parse(args), expected, JSON.stringify(args));
  }
});

Deno.test("readFabricCommand() reads the options", () => {
  const command = parse(
    ("10.0.0.1:9999 --format json -v --secret-file s --store d --grace 10s --ports 40000-40999 " +
      "--metrics 127.0.0.1:9100 --person-disk 10GiB --insecure " +
      "--plain").split(" "),
  );
  assertEquals(command, {
    command: "node",
    bind: { host: "10.0.0.1", port: 9999 },
    options: {
      format: "json",
      verbose: true,
      secretFile: "s",
      store: "d",
      graceMs: 10_000,
      ports: { from: 40_000, to: 40_999 },
      metrics: { host: "127.0.0.1", port: 9100 },
      insecure: true,
      plain: true,
      deny: [],
      mostRuns: undefined,
      user: undefined,
      mostRunBytes: undefined,
      mostPersonBytes: 10 * GiB,
      permissions: [],
    },
  });
});

Deno.test("readFabricCommand() reports what is wrong and what was expected", () => {
  const table: [args: string, message: string][] = [
    ["", "<bind> is missing; expected host:port"],
    [
      "10.0.0.1:9 --grace soon",
      '--grace is "soon"; expected a duration of at most 1h, as in 500ms, 10s or 0',
    ],
    [
      "10.0.0.1:9 --ports 5",
      '--ports is "5"; expected the first and the last port, as in 40000-40999',
    ],
    [
      "10.0.0.1",
      '<bind> is "10.0.0.1", which has no port; expected host:port, as in 10.0.0.1:9999',
    ],
    ["jion a:1 b:1", 'unknown command "jion"; did you mean join?'],
    [
      "nodes",
      'unknown command "nodes"; expected host:port, master, join, dev, drain, secret, invite or completions',
    ],
    ["a:1 n.toml x", 'unexpected argument "x"; expected an address and at most a nodes.toml'],
    ["a:1 --", '"--" is not allowed here; expected options and operands only'],
    [
      "a:1 --nodes 3",
      "--nodes is an option of fabric dev; expected --format, --verbose, " +
      "--secret-file, --store, --grace, --ports, --user, --metrics, --run-disk, --person-disk, --insecure, --plain, --deny or --runs",
    ],
    ["master", "<addr> of node 1 is missing; expected host:port"],
    ["master a:1 1GiB", "<cpu> of node 1 is missing; expected a number of cores, as in 16 or 0.5"],
    ["master a:1 much", '<mem> of node 1 is "much"; expected memory, as in 16GiB'],
    ["master a:1 1GiB 1 bridge", "the bridge of node 1 is missing; expected host:port"],
    ["drain a:1", "<node> is missing; expected host:port"],
    ["drain a:1 b:1 c:1", 'unexpected argument "c:1"; expected <master> and <node>'],
    ["join a:1", "<master> is missing; expected host:port"],
    ["join a:1 b:0", '<master> is "b:0"; expected a port that is not 0'],
    ["join a:1 b:1 1GiB", "<cpu> is missing; expected a number of cores, as in 16 or 0.5"],
    ["join a:1 b:1 1GiB 1 x", 'unexpected argument "x"; expected <bind> <master> [<mem> <cpu>]'],
    ["dev x", 'unexpected argument "x"; expected options only'],
    ["dev --nodes 0", '--nodes is "0"; expected a number from 1 to 9999'],
    ["dev --nodes 1.5", '--nodes is "1.5"; expected a number from 1 to 9999'],
    [
      "invite",
      "NAME is missing; expected at most 32 lower-case letters, digits, . and -, as in anna",
    ],
    [
      "invite Anna",
      'NAME is "Anna"; expected at most 32 lower-case letters, digits, . and -, as in anna',
    ],
    ["invite a b c", 'unexpected argument "c"; expected NAME and at most one FILE'],
    [
      "dev --deny a@b",
      '--deny is "a@b"; expected at most 32 lower-case letters, digits, . and -, as in anna',
    ],
    [
      "a:1 --deny anna",
      "--deny is for the bridge: give it to the master's fabric, not to a node",
    ],
    [
      "a:1 --runs 3",
      "--runs is for the bridge: give it to the master's fabric, not to a node",
    ],
    ["dev --runs 0", '--runs is "0"; expected a number from 1 to 9999'],
    ["secret a b", 'unexpected argument "b"; expected one FILE'],
    ["secret -v", "-v is an option of fabric; expected no options"],
    ["a:1 --format lines", '--format is "lines"; expected human or json'],
  ];
  for (const [args, message] of table) {
    const words = args === "" ? [] : args.split(" ");
    const error = assertThrows(() => parse(words), UsageError);
    assertEquals(error.message, message);
  }
});
