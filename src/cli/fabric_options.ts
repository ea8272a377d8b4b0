/** The arguments of `fabric`: what they mean, or what is wrong with them. */

import type { Address } from "../core/address.ts";
import {
  addressArgument,
  allowOptions,
  asksForHelp,
  cpuArgument,
  formatOption,
  lastValue,
  memArgument,
  type OptionSpecs,
  pathOption,
  scanArguments,
  type Scanned,
  UsageError,
} from "./arguments.ts";
import type { Resources } from "../core/resources.ts";

/** What `fabric --help` prints, and what follows the line about a bad argument. */
export const FABRIC_USAGE: string = `A node, or the master of a cluster.

Usage: fabric <bind>                                       a node, at that address
       fabric <bind> <nodes.toml>                          the master, with its nodes in a file
       fabric master (<addr> <mem> <cpu> [bridge <addr>])… the master, with its nodes; first its own
       fabric join <bind> <master> [<mem> <cpu>]           a node that tells a running master of itself
       fabric dev [--nodes N] [--mem M] [--cpu C] [--bridge ADDR]
                                                           a whole cluster on this machine
       fabric secret [FILE]                                make a new cluster secret

  --nodes N            with dev: how many nodes
  --mem M              with dev: memory of each node, as in 16GiB
  --cpu C              with dev: cores of each node
  --bridge ADDR        with dev: where the bridge listens
  --format F           human or json; default DEPLOY_FORMAT, or human
  -v, --verbose        show each process's start and end
  --secret-file FILE   the cluster's secret; default DEPLOY_SECRET_FILE
  --store DIR          where to keep what was shipped
  --insecure           bind without a secret; anyone who reaches the address can run programs
  --tls-cert FILE      with --tls-key and --tls-ca: encrypt what goes between machines
  --tls-key FILE
  --tls-ca FILE
  -h, --help           print this
  -V, --version        print the version
`;

const OPTIONS: OptionSpecs = {
  "nodes": { value: "N" },
  "mem": { value: "M" },
  "cpu": { value: "C" },
  "bridge": { value: "ADDR" },
  "format": { value: "human|json" },
  "verbose": { short: "v" },
  "secret-file": { value: "FILE" },
  "store": { value: "DIR" },
  "insecure": {},
  "tls-cert": { value: "FILE" },
  "tls-key": { value: "FILE" },
  "tls-ca": { value: "FILE" },
  "help": { short: "h" },
  "version": { short: "V" },
};

const TLS = ["tls-cert", "tls-key", "tls-ca"] as const;
const COMMON = ["format", "verbose", "secret-file", "store", "insecure", ...TLS];

/** Certificates in PEM files; all three or none. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** What every command of `fabric` that runs a part of a cluster takes. */
export interface FabricOptions {
  /** `undefined` leaves it to `DEPLOY_FORMAT`. */
  readonly format: "human" | "json" | undefined;
  readonly verbose: boolean;
  readonly secretFile: string | undefined;
  readonly store: string | undefined;
  readonly insecure: boolean;
  readonly tls: TlsFiles | undefined;
}

/** A node that a master is told of. */
export interface NodeGroup {
  readonly address: Address;
  readonly resources: Readonly<Resources>;
  readonly bridge: Address | undefined;
}

/** What `fabric` was asked to do. */
export type FabricCommand =
  | { readonly command: "help" | "version" }
  | { readonly command: "node"; readonly bind: Address; readonly options: FabricOptions }
  | {
    readonly command: "master-of-file";
    readonly bind: Address;
    readonly nodesFile: string;
    readonly options: FabricOptions;
  }
  | {
    readonly command: "master";
    /** At least one: the first is the master's own. */
    readonly nodes: readonly NodeGroup[];
    readonly options: FabricOptions;
  }
  | {
    readonly command: "join";
    readonly bind: Address;
    readonly master: Address;
    /** `undefined`: what the machine has. */
    readonly resources: Readonly<Resources> | undefined;
    readonly options: FabricOptions;
  }
  | {
    readonly command: "dev";
    readonly nodes: number | undefined;
    readonly resources: Readonly<Partial<Resources>>;
    readonly bridge: Address | undefined;
    readonly options: FabricOptions;
  }
  | { readonly command: "secret"; readonly file: string | undefined };

/**
 * Reads the arguments of `fabric`.
 *
 * @throws {UsageError} If they are wrong; the message is one line.
 */
export function parseFabricArguments(args: readonly string[]): FabricCommand {
  if (asksForHelp(args)) return { command: "help" };
  const scanned = scanArguments(args, OPTIONS);
  if (scanned.options.has("version")) return { command: "version" };
  if (scanned.rest !== undefined) {
    throw new UsageError(`"--" has no meaning here; expected options and addresses only`);
  }
  const [name, ...operands] = scanned.positionals;
  switch (name) {
    case "master":
      allowOptions(scanned, name, COMMON);
      return { command: name, nodes: nodeGroups(operands), options: fabricOptions(scanned) };
    case "join":
      return joinCommand(scanned, operands);
    case "dev":
      return devCommand(scanned, operands);
    case "secret": {
      if (scanned.options.size > 0) throw new UsageError(`"secret" takes no options; only a file`);
      refuseMore(operands, 1, `"secret" takes one file`);
      if (operands[0] === "") throw new UsageError("FILE is empty; expected a path");
      return { command: name, file: operands[0] };
    }
    default:
      return bindCommand(scanned, name, operands);
  }
}

function bindCommand(
  scanned: Scanned,
  bindText: string | undefined,
  operands: readonly string[],
): FabricCommand {
  allowOptions(scanned, "<bind>", COMMON);
  if (bindText !== undefined && /^[a-z]+$/.test(bindText)) {
    throw new UsageError(
      `"${bindText}" is no command; expected host:port, or master, join, dev or secret`,
    );
  }
  const bind = addressArgument(bindText, "<bind>", { anyPort: true });
  refuseMore(operands, 1, "expected an address and at most a nodes.toml");
  const [nodesFile] = operands;
  const options = fabricOptions(scanned);
  if (nodesFile === undefined) return { command: "node", bind, options };
  if (nodesFile === "") throw new UsageError("<nodes.toml> is empty; expected a path");
  return { command: "master-of-file", bind, nodesFile, options };
}

function nodeGroups(operands: readonly string[]): NodeGroup[] {
  const groups: NodeGroup[] = [];
  let at = 0;
  do {
    const number = groups.length + 1;
    const address = addressArgument(operands[at], `<addr> of node ${number}`, { anyPort: true });
    const mem = memArgument(operands[at + 1], `<mem> of node ${number}`);
    const cpu = cpuArgument(operands[at + 2], `<cpu> of node ${number}`);
    at += 3;
    let bridge: Address | undefined;
    if (operands[at] === "bridge") {
      bridge = addressArgument(operands[at + 1], `the bridge of node ${number}`, { anyPort: true });
      at += 2;
    }
    groups.push({ address, resources: { mem, cpu }, bridge });
  } while (at < operands.length);
  return groups;
}

function joinCommand(scanned: Scanned, operands: readonly string[]): FabricCommand {
  allowOptions(scanned, "join", COMMON);
  refuseMore(operands, 4, `"join" takes <bind> <master> [<mem> <cpu>]`);
  const [bind, master, mem, cpu] = operands;
  return {
    command: "join",
    bind: addressArgument(bind, "<bind>", { anyPort: true }),
    master: addressArgument(master, "<master>", { anyPort: false }),
    resources: mem === undefined
      ? undefined
      : { mem: memArgument(mem, "<mem>"), cpu: cpuArgument(cpu, "<cpu>") },
    options: fabricOptions(scanned),
  };
}

function devCommand(scanned: Scanned, operands: readonly string[]): FabricCommand {
  allowOptions(scanned, "dev", ["nodes", "mem", "cpu", "bridge", ...COMMON]);
  refuseMore(operands, 0, `"dev" takes options only`);
  const nodes = lastValue(scanned, "nodes");
  if (nodes !== undefined && !/^[1-9]\d{0,3}$/.test(nodes)) {
    throw new UsageError(`--nodes is ${JSON.stringify(nodes)}; expected a number from 1 to 9999`);
  }
  const mem = lastValue(scanned, "mem");
  const cpu = lastValue(scanned, "cpu");
  const bridge = lastValue(scanned, "bridge");
  return {
    command: "dev",
    nodes: nodes === undefined ? undefined : Number(nodes),
    resources: {
      ...(mem === undefined ? {} : { mem: memArgument(mem, "--mem") }),
      ...(cpu === undefined ? {} : { cpu: cpuArgument(cpu, "--cpu") }),
    },
    bridge: bridge === undefined
      ? undefined
      : addressArgument(bridge, "--bridge", { anyPort: true }),
    options: fabricOptions(scanned),
  };
}

function refuseMore(operands: readonly string[], count: number, expected: string): void {
  const extra = operands[count];
  if (extra === undefined) return;
  throw new UsageError(`${JSON.stringify(extra)} is one too many; ${expected}`);
}

function fabricOptions(scanned: Scanned): FabricOptions {
  const [cert, key, ca] = TLS.map((name) => pathOption(scanned, name));
  const missing = TLS.filter((name) => !scanned.options.has(name));
  if (missing.length > 0 && missing.length < TLS.length) {
    const list = missing.map((name) => `--${name}`).join(" and ");
    throw new UsageError(`TLS lacks ${list}; expected --tls-cert, --tls-key and --tls-ca together`);
  }
  return {
    format: formatOption(scanned),
    verbose: scanned.options.has("verbose"),
    secretFile: pathOption(scanned, "secret-file"),
    store: pathOption(scanned, "store"),
    insecure: scanned.options.has("insecure"),
    tls: cert === undefined || key === undefined || ca === undefined
      ? undefined
      : { cert, key, ca },
  };
}
