/** The commands of `deploy`: the table for its arguments, help and completions. */

import config from "../../deno.json" with { type: "json" };
import { CLUSTER_OPTIONS } from "./cluster_options.ts";
import { completionsCommand } from "./completions_command.ts";
import { DENO_OPTIONS, DENO_OPTIONS_NOTE } from "./deno_options.ts";
import type { Command, Executable, Operand } from "./executable.ts";

const BRIDGE: Operand = {
  name: "<bridge>",
  summary: "host:port; default DEPLOY_BRIDGE, deno.json, or fabric dev",
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
    "release": { summary: "compile to a self-contained executable, and ship that" },
    "mem": { value: "M", summary: "memory and cores of the first process, as in 1GiB and 0.5" },
    "cpu": { value: "C", summary: "cores of the first process, as in 0.5", isBeside: true },
    "env": { value: "NAME[=VALUE]", summary: "give the program this variable (repeatable)" },
    "include": {
      value: "PATH",
      summary: "ship this file or folder too (repeatable)",
      completes: "file",
    },
    "exclude": { value: "GLOB", summary: "leave out what matches, as .gitignore does" },
    "no-stdin": {
      short: "n",
      summary: "give it no stdin; else up to 64 KiB more than it reads",
    },
    "name": { value: "NAME", summary: "what the run is called; default the program's file" },
    "detach": { summary: "print the id of the run, and let it go on" },
    "dry-run": { summary: "say what would be sent, and where it fits; send nothing" },
    "grace": {
      value: "T",
      summary: "how long a run has to stop, as in 10s; default 3s",
    },
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
  summary: "List the runs that the bridge knows, the latest first",
  usage: [{ form: "[options] [<bridge>]" }],
  operands: [BRIDGE],
  options: CLUSTER_OPTIONS,
  notes: ["A run is listed until 24 hours after its end, and the last 100 longer."],
  examples: ["deploy ps --format json"],
  exitStatus: VIEW_STATUS,
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
    ...CLUSTER_OPTIONS,
  },
  examples: ["deploy logs -f bafo-kine"],
  exitStatus: VIEW_STATUS,
};

const WHY: Command = {
  name: "why",
  summary: "Say what each process of a run waits for",
  usage: [{ form: "[options] [<bridge>] [<run>]" }],
  operands: [BRIDGE, A_RUN],
  options: CLUSTER_OPTIONS,
  examples: ["deploy why bafo-kine"],
  exitStatus: VIEW_STATUS,
};

const KILL_RUN: Command = {
  name: "kill",
  summary: "Tell the processes of a run to stop, and kill those that do not",
  usage: [{ form: "[options] [<bridge>] [<run>]" }],
  operands: [BRIDGE, A_RUN],
  options: {
    "signal": { value: "S", summary: "what they are sent first; default SIGTERM" },
    "grace": { value: "T", summary: "how long they have, as in 10s; default 3s" },
    ...CLUSTER_OPTIONS,
  },
  examples: ["deploy kill --grace 0 bafo-kine"],
  exitStatus: VIEW_STATUS,
};

/** `deploy` */
export const DEPLOY: Executable = {
  name: "deploy",
  version: config.version,
  main: RUN,
  commands: [PS, LOGS, WHY, KILL_RUN, completionsCommand("deploy")],
};
