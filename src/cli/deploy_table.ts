/** The commands of `deploy`: the table for its arguments, help and completions. */

import config from "../../deno.json" with { type: "json" };
import { CLUSTER_OPTIONS } from "./cluster_options.ts";
import { completionsCommand } from "./completions_command.ts";
import { DENO_OPTIONS, DENO_OPTIONS_NOTE } from "./deno_options.ts";
import type { Command, Executable, Operand, Options } from "./executable.ts";
import { OUTPUT_FORMATS } from "../terminal/formats.ts";
import { TRACE_FORMAT } from "./trace_format.ts";

const BRIDGE: Operand = {
  name: "<bridge>",
  summary: "host:port; default DEPLOY_BRIDGE, deno.json, or fabric dev",
};

/** The option of commands that show what programs write. */
const RAW: Options = {
  "raw": { summary: "pass on to a terminal all that programs write there" },
};

const RUN: Command = {
  name: "",
  summary: "Run a program on a cluster, and show it as if it ran here",
  usage: [{ form: "[options] [<bridge>] [<program>] [-- <args>…]" }],
  operands: [
    BRIDGE,
    {
      name: "<program>",
      summary: "a .ts or .js file, or an executable; default main.ts",
      completes: "file",
    },
  ],
  options: {
    "release": { summary: "ship an executable, by deno compile; first check its types" },
    "check": { summary: "check the types of the program first", isBeside: true },
    "mem": { value: "M", summary: "memory and cores of the first process, as in 1GiB and 0.5" },
    "cpu": { value: "C", summary: "cores of the first process, as in 0.5", isBeside: true },
    "env": { value: "NAME[=VALUE]", summary: "give the program this variable (repeatable)" },
    "include": {
      value: "PATH",
      summary: "ship this too; leave this out; repeatable",
      completes: "file",
    },
    "exclude": {
      value: "GLOB",
      summary: "leave out what matches, as .gitignore does",
      isBeside: true,
    },
    "no-stdin": {
      short: "n",
      summary: "give it no stdin; else up to 64 KiB more than it reads",
    },
    "name": { value: "NAME", summary: "what the run is called; default the program's file" },
    "detach": { summary: "let it go on, print its id; only say what would be sent" },
    "dry-run": {
      summary: "say what would be sent, and where it fits; send nothing",
      isBeside: true,
    },
    "inspect": {
      value: "NAMES",
      summary: "let debuggers attach; -brk: wait",
      isOptional: true,
    },
    "inspect-brk": {
      value: "NAMES",
      summary: "let debuggers attach, and wait for them",
      isOptional: true,
      isBeside: true,
    },
    "grace": {
      value: "T",
      summary: "how long a run has to stop, as in 10s; default 3s",
    },
    ...RAW,
    ...CLUSTER_OPTIONS,
    ...DENO_OPTIONS,
  },
  passesArguments: true,
  notes: [DENO_OPTIONS_NOTE],
  examples: ["deploy 10.0.0.1:8888 main.ts -- --depth 3"],
  exitStatus: "that of the run; 1 if it could not be run; 2 for a bad argument",
};

const A_RUN: Operand = {
  name: "<run>",
  summary: "an id, the start of one, or a name; default the only one",
};

const VIEW_STATUS = "0; 1 if there is no such run or bridge; 2 for a bad argument";

const PS: Command = {
  name: "ps",
  summary: "List the runs that the bridge knows, or the processes of one",
  usage: [
    { form: "[options] [<bridge>]", means: "the runs, the latest first" },
    { form: "[options] [<bridge>] <run>", means: "its processes, as a tree" },
  ],
  operands: [BRIDGE, { name: "<run>", summary: "an id, the start of one, or a name" }],
  options: CLUSTER_OPTIONS,
  notes: ["A run is known until 24 hours after its end, and the last 100 longer."],
  examples: ["deploy ps --format json", "deploy ps bafo-kine"],
  exitStatus: VIEW_STATUS,
};

const NODES: Command = {
  name: "nodes",
  summary: "List the nodes of the cluster: state, what they lend, what is in use",
  usage: [{ form: "[options] [<bridge>]" }],
  operands: [BRIDGE],
  options: CLUSTER_OPTIONS,
  notes: [
    "A node is up, draining (fabric drain: it takes no more processes), leaving (its",
    "fabric ends), failing (it could start no process lately: others are preferred",
    "for a while), frozen (something is there that does not answer), or away.",
    "In use is what its processes asked for.",
  ],
  examples: ["deploy nodes"],
  exitStatus: "0; 1 if there is no such bridge; 2 for a bad argument",
};

const LOGS: Command = {
  name: "logs",
  summary: "Show the output of a run from its start, also of one that has ended",
  usage: [{ form: "[options] [<bridge>] [<run>]" }],
  operands: [BRIDGE, A_RUN],
  options: {
    "follow": { short: "f", summary: "go on until the run ends" },
    "process": { value: "P", summary: "only processes of this name, or whose Pid begins so" },
    "since": { value: "T", summary: "only what is newer, as in 10m or 2026-01-31T12:00" },
    ...RAW,
    ...CLUSTER_OPTIONS,
    "format": {
      value: "F",
      summary: "human, lines, json, or chrome-trace (for ui.perfetto.dev)",
      completes: [...OUTPUT_FORMATS, TRACE_FORMAT],
    },
  },
  examples: ["deploy logs -f bafo-kine", "deploy logs --format chrome-trace >run.json"],
  notes: ["Ctrl-C ends only this; the run goes on."],
  exitStatus: "0; 1 if there is no such run; 130: Ctrl-C; 2: bad argument",
};

const ATTACH: Command = {
  name: "attach",
  summary: "Show a run from its start, and go on as if it had been deployed here",
  usage: [{ form: "[options] [<bridge>] [<run>]" }],
  operands: [BRIDGE, A_RUN],
  options: {
    "no-stdin": { short: "n", summary: "give it no stdin" },
    ...RAW,
    ...CLUSTER_OPTIONS,
  },
  notes: [
    "stdin goes to the first process if nobody who came before gives it any.",
    "A run that has ended is shown, too, and gives its exit status.",
    "Ctrl-C ends only this; the run goes on.",
  ],
  examples: ["deploy attach bafo-kine"],
  exitStatus: "that of the run; 1 if there is none; 130: Ctrl-C; 2: bad argument",
};

const A_PID: Operand = {
  name: "<pid>",
  summary: "the digits that a Pid begins with, as in 8a3be21",
};

const TARGET_STATUS = "0; 1 if there is none such, or no bridge; 2 for a bad argument";

const WHY: Command = {
  name: "why",
  summary: "Say what each process of a run waits for, or one process",
  usage: [{ form: "[options] [<bridge>] [<run>|<pid>]" }],
  operands: [BRIDGE, A_RUN, A_PID],
  options: CLUSTER_OPTIONS,
  examples: ["deploy why bafo-kine", "deploy why 8a3be21"],
  exitStatus: TARGET_STATUS,
};

const KILL_RUN: Command = {
  name: "kill",
  summary: "Tell the processes of a run to stop, or one; kill what does not",
  usage: [{ form: "[options] [<bridge>] [<run>|<pid>]" }],
  operands: [BRIDGE, A_RUN, A_PID],
  options: {
    "signal": { value: "S", summary: "what they are sent first; default SIGTERM" },
    "grace": { value: "T", summary: "how long they have, as in 10s; default 3s" },
    ...CLUSTER_OPTIONS,
  },
  examples: ["deploy kill --grace 0 bafo-kine", "deploy kill --signal INT 8a3be21"],
  exitStatus: TARGET_STATUS,
};

const DASHBOARD: Command = {
  name: "dashboard",
  summary: "Serve a page here that shows the cluster, its runs and their processes live",
  usage: [{ form: "[options] [<bridge>] [<run>]" }],
  operands: [BRIDGE, {
    name: "<run>",
    summary: "the run to show first: an id, the start of one, or a name",
  }],
  options: {
    "port": { value: "N", summary: "where to listen, on 127.0.0.1; default any free one" },
    "no-open": { summary: "only print the link; else a browser opens it" },
    ...CLUSTER_OPTIONS,
  },
  notes: [
    "The link lets one browser in, once. When it has been used, another one is",
    "printed. What processes use and wait for is measured while a page is open.",
  ],
  examples: ["deploy dashboard", "deploy dashboard --port 8080 bafo-kine"],
  exitStatus: "0: Ctrl-C; 1 if there is no such bridge or run; 2: bad argument",
};

/** `deploy` */
export const DEPLOY: Executable = {
  name: "deploy",
  version: config.version,
  main: RUN,
  commands: [PS, NODES, LOGS, ATTACH, WHY, KILL_RUN, DASHBOARD, completionsCommand("deploy")],
};
