/** The commands of `fabric`: the table for its arguments, help and completions. */

import config from "../../deno.json" with { type: "json" };
import { completionsCommand } from "./completions_command.ts";
import { PERMISSION_OPTIONS } from "./deno_options.ts";
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
  "ports": { value: "A-B", summary: "ports, as in 40000-40999; programs run as NAME" },
  "user": { value: "NAME", summary: "programs run as that user", isBeside: true },
  "metrics": { value: "ADDR", summary: "serve metrics there, as text for Prometheus over HTTP" },
  "run-disk": { value: "M", summary: "disk here of each run; of each person's runs" },
  "person-disk": {
    value: "M",
    summary: "what the files of all runs of each person may take on this node, as in 10GiB",
    isBeside: true,
  },
  "insecure": { summary: "bind without a secret: anyone who connects can run code" },
  "plain": { summary: "do not encrypt between hosts: the network is trusted" },
  ...PERMISSION_OPTIONS,
};

/** The options of a master, which has the bridge. */
const OF_MASTER: Options = {
  ...COMMON,
  "deny": {
    value: "NAME",
    summary: "invitation to refuse (repeatable); a person's runs",
  },
  "runs": { value: "N", summary: "how many runs each person may have at a time", isBeside: true },
};

/** One line in the help for the options of permissions. */
const PERMISSIONS_NOTE = "Limits for programs, as in deno run: --allow-net=10.0.0.0/8 --deny-run …";

const EXIT_STATUS = "0 when told to stop; 1 if it fails; 2 for a bad argument or secret";

const NODE: Command = {
  name: "",
  summary: "A node of a cluster, or its master",
  usage: [
    { form: "[options] <bind>", means: "a node, at that host:port" },
    { form: "[options] <bind> <nodes.toml>", means: "the master, its nodes in a file" },
  ],
  options: OF_MASTER,
  notes: [PERMISSIONS_NOTE],
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
  options: OF_MASTER,
  notes: [PERMISSIONS_NOTE],
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
  notes: [PERMISSIONS_NOTE],
  examples: ["fabric join 10.0.0.3:9999 10.0.0.1:9999 16GiB 4"],
  exitStatus: EXIT_STATUS,
};

const DEV: Command = {
  name: "dev",
  summary: "A whole cluster on this machine, until Ctrl-C",
  usage: [{ form: "[options]" }],
  options: {
    "nodes": { value: "N", summary: "how many nodes; default 3" },
    "mem": { value: "M", summary: "of each node; default its part of memory, and all cores" },
    "cpu": {
      value: "C",
      summary: "cores of each node; default all of the machine's",
      isBeside: true,
    },
    "bridge": { value: "ADDR", summary: "where the bridge listens; default 127.0.0.1:8888" },
    ...OF_MASTER,
  },
  notes: [
    PERMISSIONS_NOTE,
    "It makes a secret, found by deploy and drain of the same user, and nobody else.",
  ],
  examples: ["fabric dev --nodes 3 --mem 4GiB"],
  exitStatus: EXIT_STATUS,
};

const DRAIN: Command = {
  name: "drain",
  summary: "Place nothing more on a node, and say when it is empty",
  usage: [{ form: "[options] <master> <node>" }],
  operands: [
    { name: "<master>", summary: "the master's address" },
    { name: "<node>", summary: "the node's address, as deploy nodes shows it" },
  ],
  options: {
    "format": COMMON["format"]!,
    "secret-file": COMMON["secret-file"]!,
    "plain": COMMON["plain"]!,
  },
  notes: [
    "What runs there goes on. When nothing is left, the line `empty <node>` is",
    "printed; the node can be stopped, and no run notices. It takes processes",
    "again when it, or the master, has been restarted; not when this command ends.",
  ],
  examples: ["fabric drain 10.0.0.1:9999 10.0.0.2:9999"],
  exitStatus: "0 when it is empty; 1 if the node is gone; 2 for a bad argument",
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

const INVITE: Command = {
  name: "invite",
  summary: "Make a credential for one person, that may only deploy",
  usage: [{ form: "[options] NAME [FILE]" }],
  operands: [
    { name: "NAME", summary: "who it is for, as deploy ps shows them: anna" },
    { name: "FILE", summary: "a new file, which only its owner can read", completes: "file" },
  ],
  options: { "secret-file": COMMON["secret-file"]! },
  notes: [
    "deploy takes it as --secret-file, in place of the cluster's secret. Who has it",
    "may deploy, look at all runs, and end their own. It follows from the secret and",
    "NAME: nothing is stored, and the same NAME gives the same one. An option of",
    "fabric master takes it back.",
  ],
  examples: ["fabric invite anna anna.secret --secret-file cluster.secret"],
  exitStatus: "0; 1 if it cannot be written; 2 for a bad argument or secret",
};

/** `fabric` */
export const FABRIC: Executable = {
  name: "fabric",
  version: config.version,
  main: NODE,
  commands: [MASTER, JOIN, DEV, DRAIN, SECRET, INVITE, completionsCommand("fabric")],
};
