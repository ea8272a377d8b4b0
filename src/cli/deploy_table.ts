/** The commands of `deploy`: the table for its arguments, help and completions. */

import config from "../../deno.json" with { type: "json" };
import { completionsCommand } from "./completions_command.ts";
import { DENO_OPTIONS, DENO_OPTIONS_NOTE } from "./deno_options.ts";
import type { Command, Executable } from "./executable.ts";
import { OUTPUT_FORMATS } from "../terminal/formats.ts";

const RUN: Command = {
  name: "",
  summary: "Run a program on a cluster, and show it as if it ran here",
  usage: [{ form: "[options] [<bridge>] [<program>] [-- <args>…]" }],
  operands: [
    { name: "<bridge>", summary: "host:port; default DEPLOY_BRIDGE, deno.json, or fabric dev" },
    {
      name: "<program>",
      summary: "a .ts or .js file, or an executable; default main.ts",
      completes: "file",
    },
  ],
  options: {
    "release": { summary: "compile to a self-contained executable, and ship that" },
    "mem": { value: "M", summary: "memory of the first process, as in 1GiB" },
    "cpu": { value: "C", summary: "cores of the first process, as in 0.5" },
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
    "dry-run": { summary: "say what would be sent, and where it fits; send nothing" },
    "grace": {
      value: "T",
      summary: "how long a run has to stop, as in 10s; default 3s",
    },
    "format": {
      value: "F",
      summary: "human, lines or json; default DEPLOY_FORMAT, or human",
      completes: OUTPUT_FORMATS,
    },
    "secret-file": {
      value: "FILE",
      summary: "the cluster's secret; default DEPLOY_SECRET_FILE",
      completes: "file",
    },
    "tls-ca": {
      value: "FILE",
      summary: "the authority that signed the cluster's certificates",
      completes: "file",
    },
    ...DENO_OPTIONS,
  },
  passesArguments: true,
  notes: [DENO_OPTIONS_NOTE],
  examples: ["deploy 10.0.0.1:8888 main.ts -- --depth 3"],
  exitStatus: "that of the run; 1 if it could not be run; 2 for a bad argument",
};

/** `deploy` */
export const DEPLOY: Executable = {
  name: "deploy",
  version: config.version,
  main: RUN,
  commands: [completionsCommand("deploy")],
};
