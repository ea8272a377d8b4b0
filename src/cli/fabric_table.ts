/** The commands of `fabric`: the table for its arguments, help and completions. */

import config from "../../deno.json" with { type: "json" };
import { completionsCommand } from "./completions_command.ts";
import type { Command, Executable, Options } from "./executable.ts";

/** The report formats of `fabric`; the first is the default. */
export const REPORT_FORMATS = ["human", "json"] as const;

/** The options of every part of a cluster. */
const COMMON: Options = {
  "format": {
    value: "F",
    summary: "human or json; default DEPLOY_FORMAT, or human",
    completes: REPORT_FORMATS,
  },
  "verbose": { short: "v", summary: "show each process's start and end" },
  "secret-file": {
    value: "FILE",
    summary: "the cluster's secret; default DEPLOY_SECRET_FILE",
    completes: "file",
  },
  "store": { value: "DIR", summary: "folder for the files that were shipped", completes: "folder" },
  "grace": { value: "T", summary: "how long processes have to stop, as in 10s; default 3s" },
  "ports": { value: "A-B", summary: "ports for processes, as in 40000-40999; default any" },
  "insecure": { summary: "bind without a secret: anyone who connects can run code" },
  "tls-cert": {
    value: "FILE",
    summary: "with the next two: encrypt traffic between machines",
    completes: "file",
  },
  "tls-key": { value: "FILE", summary: "the private key of that certificate", completes: "file" },
  "tls-ca": { value: "FILE", summary: "the authority that signed it", completes: "file" },
};

const EXIT_STATUS = "0 when told to stop; 1 if it fails; 2 for a bad argument or secret";

const NODE: Command = {
  name: "",
  summary: "A node of a cluster, or its master",
  usage: [
    { form: "[options] <bind>", means: "a node, at that host:port" },
    { form: "[options] <bind> <nodes.toml>", means: "the master, its nodes in a file" },
  ],
  options: COMMON,
  examples: [],
  exitStatus: EXIT_STATUS,
};

const MASTER: Command = {
  name: "master",
  summary: "The master of a cluster whose nodes are arguments",
  usage: [{ form: "[options] (<addr> [<mem> <cpu>] [bridge <addr>])…" }],
  operands: [
    { name: "<addr>", summary: "a node; the master's own first" },
    { name: "<mem> <cpu>", summary: "what it lends; default what its machine has, less 5 %" },
    {
      name: "bridge <addr>",
      summary: "where the bridge listens; only after the master's own node",
    },
  ],
  options: COMMON,
  examples: [
    "fabric master 10.0.0.1:9999 16GiB 4 bridge 10.0.0.1:8888 \\",
    "              10.0.0.2:9999 64GiB 16",
  ],
  exitStatus: EXIT_STATUS,
};

const JOIN: Command = {
  name: "join",
  summary: "A node that joins a running master",
  usage: [{ form: "[options] <bind> <master> [<mem> <cpu>]" }],
  operands: [
    { name: "<bind>", summary: "the node's own address" },
    { name: "<master>", summary: "the master's address" },
    { name: "<mem> <cpu>", summary: "what it lends; default what its machine has, less 5 %" },
  ],
  options: COMMON,
  examples: ["fabric join 10.0.0.3:9999 10.0.0.1:9999 16GiB 4"],
  exitStatus: EXIT_STATUS,
};

const DEV: Command = {
  name: "dev",
  summary: "A whole cluster on this machine, until Ctrl-C",
  usage: [{ form: "[options]" }],
  options: {
    "nodes": { value: "N", summary: "how many nodes; default 3" },
    "mem": { value: "M", summary: "memory of each node; default its part of the machine's" },
    "cpu": { value: "C", summary: "cores of each node; default all of the machine's" },
    "bridge": { value: "ADDR", summary: "where the bridge listens; default 127.0.0.1:8888" },
    ...COMMON,
  },
  examples: ["fabric dev --nodes 3 --mem 4GiB"],
  exitStatus: EXIT_STATUS,
};

const SECRET: Command = {
  name: "secret",
  summary: "Make a new secret for a cluster, and print or write it",
  usage: [{ form: "[FILE]" }],
  operands: [{
    name: "FILE",
    summary: "a new file, which only its owner can read",
    completes: "file",
  }],
  options: {},
  examples: ["fabric secret cluster.secret"],
  exitStatus: "0; 1 if it cannot be written; 2 for a bad argument",
};

/** `fabric` */
export const FABRIC: Executable = {
  name: "fabric",
  version: config.version,
  main: NODE,
  commands: [MASTER, JOIN, DEV, SECRET, completionsCommand("fabric")],
};
