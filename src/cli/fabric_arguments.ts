/** Parses the arguments of `fabric`. */

import type { Address } from "../core/address.ts";
import type { PortRange } from "../core/port_range.ts";
import type { Resources } from "../core/resources.ts";
import { isInviteName, MAX_NAME_LENGTH } from "../net/invitation.ts";
import { UsageError } from "../core/usage_error.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { permissionFlags } from "./deno_options.ts";
import { FABRIC, REPORT_FORMATS } from "./fabric_table.ts";
import { listed, nearWord } from "./near.ts";
import { addressArgument } from "./address_argument.ts";
import {
  amountArgument,
  countArgument,
  cpuArgument,
  formatOption,
  graceOption,
  lastValue,
  memArgument,
  pathOption,
  portsOption,
} from "./values.ts";

/** The options of every command of `fabric` that runs a part of a cluster. */
export interface FabricOptions {
  /** `undefined` leaves it to `DEPLOY_FORMAT`. */
  readonly format: typeof REPORT_FORMATS[number] | undefined;
  readonly verbose: boolean;
  readonly secretFile: string | undefined;
  readonly store: string | undefined;
  /** The grace of processes when the fabric ends, in ms; `undefined` leaves it to `DEPLOY_GRACE`. */
  readonly graceMs: number | undefined;
  /** The ports that processes may listen on; `undefined`: any. */
  readonly ports: PortRange | undefined;
  /** Where to serve metrics; `undefined`: nowhere. */
  readonly metrics: Address | undefined;
  readonly insecure: boolean;
  /** Whether what goes between hosts is not encrypted. */
  readonly plain: boolean;
  /** The names of invitations that the bridge does not take any more. */
  readonly deny: readonly string[];
  /** How many runs the bridge allows each person at a time; `undefined`: any number. */
  readonly mostRuns: number | undefined;
  /** How many bytes the files of each run may take on this node; `undefined`: any number. */
  readonly mostRunBytes: number | undefined;
  /** How many bytes the files of all runs of each person may take on this node; `undefined`: any number. */
  readonly mostPersonBytes: number | undefined;
  /** The name of the user that programs run as; `undefined`: that of the fabric. */
  readonly user: string | undefined;
  /** Flags such as `--allow-net=10.0.0.0/8`: what programs may do at most. None: everything. */
  readonly permissions: readonly string[];
}

/** A node in a master's arguments. */
export interface NodeGroup {
  readonly address: Address;
  /** `undefined`: what the machine of that node has. */
  readonly resources: Readonly<Resources> | undefined;
  readonly bridge: Address | undefined;
}

/** A parsed command line of `fabric`. */
export type FabricCommand =
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
  | {
    readonly command: "drain";
    readonly master: Address;
    readonly node: Address;
    readonly options: DrainOptions;
  }
  | { readonly command: "secret"; readonly file: string | undefined }
  | {
    readonly command: "invite";
    readonly name: string;
    /** A new file for the invitation; `undefined`: stdout. */
    readonly file: string | undefined;
    readonly secretFile: string | undefined;
  };

/** The options of `fabric drain`. */
export interface DrainOptions extends Pick<FabricOptions, "format" | "secretFile"> {
  /** Whether the cluster does not encrypt. */
  readonly plain: boolean;
}

/**
 * Parses the arguments of `fabric`, except for the commands that every executable has.
 *
 * @throws {UsageError} If the arguments are wrong; the message is one line.
 */
export function readFabricCommand(scanned: Scanned): FabricCommand {
  const { command, operands } = scanned;
  switch (command.name) {
    case "master":
      return { command: "master", nodes: nodeGroups(operands), options: fabricOptions(scanned) };
    case "join":
      return joinCommand(scanned);
    case "dev":
      return devCommand(scanned);
    case "drain": {
      const [master, node] = operands;
      refuseMore(operands, 2, "<master> and <node>");
      return {
        command: "drain",
        master: addressArgument(master, "<master>", { anyPort: false }),
        node: addressArgument(node, "<node>", { anyPort: false }),
        options: {
          format: formatOption(scanned, REPORT_FORMATS),
          secretFile: pathOption(scanned, "secret-file"),
          plain: scanned.options.has("plain"),
        },
      };
    }
    case "secret": {
      const [file] = operands;
      refuseMore(operands, 1, "one FILE");
      if (file === "") throw new UsageError("FILE is empty; expected a path");
      return { command: "secret", file };
    }
    case "invite": {
      const [name, file] = operands;
      refuseMore(operands, 2, "NAME and at most one FILE");
      if (name === undefined) throw new UsageError(`NAME is missing; ${INVITE_NAME}`);
      if (file === "") throw new UsageError("FILE is empty; expected a path");
      const secretFile = pathOption(scanned, "secret-file");
      return { command: "invite", name: inviteName(name, "NAME"), file, secretFile };
    }
    default:
      return bindCommand(scanned);
  }
}

function bindCommand(scanned: Scanned): FabricCommand {
  const { operands } = scanned;
  const [first, nodesFile] = operands;
  if (first !== undefined && /^[a-z]+$/.test(first)) throw unknownCommand(first);
  const bind = addressArgument(first, "<bind>", { anyPort: true });
  refuseMore(operands, 2, "an address and at most a nodes.toml");
  const options = fabricOptions(scanned);
  const ofBridge = options.deny.length > 0 ? "--deny" : options.mostRuns && "--runs";
  if (nodesFile === undefined && ofBridge) {
    throw new UsageError(
      `${ofBridge} is for the bridge: give it to the master's fabric, not to a node`,
    );
  }
  if (nodesFile === undefined) return { command: "node", bind, options };
  if (nodesFile === "") throw new UsageError("<nodes.toml> is empty; expected a path");
  return { command: "master-of-file", bind, nodesFile, options };
}

function unknownCommand(word: string): UsageError {
  const commands = FABRIC.commands.map(({ name }) => name);
  const near = nearWord(word, commands);
  const hint = near === undefined
    ? `expected host:port, ${listed(commands)}`
    : `did you mean ${near}?`;
  return new UsageError(`unknown command "${word}"; ${hint}`);
}

function nodeGroups(operands: readonly string[]): NodeGroup[] {
  const groups: NodeGroup[] = [];
  let at = 0;
  do {
    const number = groups.length + 1;
    const address = addressArgument(operands[at], `<addr> of node ${number}`, { anyPort: true });
    at++;
    let resources: Resources | undefined;
    if (isAmount(operands[at])) {
      const mem = memArgument(operands[at], `<mem> of node ${number}`);
      const cpu = cpuArgument(operands[at + 1], `<cpu> of node ${number}`);
      resources = { mem, cpu };
      at += 2;
    }
    let bridge: Address | undefined;
    if (operands[at] === "bridge") {
      bridge = addressArgument(operands[at + 1], `the bridge of node ${number}`, { anyPort: true });
      at += 2;
    }
    groups.push({ address, resources, bridge });
  } while (at < operands.length);
  return groups;
}

/** Whether an operand is meant as an amount, rather than as the next address. */
function isAmount(operand: string | undefined): boolean {
  return operand !== undefined && operand !== "bridge" && !operand.includes(":");
}

function joinCommand(scanned: Scanned): FabricCommand {
  refuseMore(scanned.operands, 4, "<bind> <master> [<mem> <cpu>]");
  const [bind, master, mem, cpu] = scanned.operands;
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

function devCommand(scanned: Scanned): FabricCommand {
  refuseMore(scanned.operands, 0, "options only");
  const nodes = lastValue(scanned, "nodes");
  const mem = lastValue(scanned, "mem");
  const cpu = lastValue(scanned, "cpu");
  const bridge = lastValue(scanned, "bridge");
  return {
    command: "dev",
    nodes: nodes === undefined ? undefined : countArgument(nodes, "--nodes"),
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

/** What is expected as the name in an invitation. */
const INVITE_NAME =
  `expected at most ${MAX_NAME_LENGTH} lower-case letters, digits, . and -, as in anna`;

function inviteName(text: string, what: string): string {
  if (isInviteName(text)) return text;
  throw new UsageError(`${what} is ${JSON.stringify(text)}; ${INVITE_NAME}`);
}

function fabricOptions(scanned: Scanned): FabricOptions {
  return {
    format: formatOption(scanned, REPORT_FORMATS),
    verbose: scanned.options.has("verbose"),
    secretFile: pathOption(scanned, "secret-file"),
    store: pathOption(scanned, "store"),
    graceMs: graceOption(scanned),
    ports: portsOption(scanned),
    metrics: metricsOption(scanned),
    insecure: scanned.options.has("insecure"),
    plain: scanned.options.has("plain"),
    mostRuns: runsOption(scanned),
    deny: (scanned.options.get("deny") ?? []).map((name) => inviteName(name, "--deny")),
    user: userOption(scanned),
    mostRunBytes: diskOption(scanned, "run-disk"),
    mostPersonBytes: diskOption(scanned, "person-disk"),
    permissions: permissionFlags(scanned),
  };
}

function diskOption(scanned: Scanned, name: string): number | undefined {
  const text = lastValue(scanned, name);
  return text === undefined ? undefined : amountArgument(text, `--${name}`, "disk space");
}

function userOption(scanned: Scanned): string | undefined {
  const text = lastValue(scanned, "user");
  if (text === undefined || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(text)) return text;
  throw new UsageError(
    `--user is ${JSON.stringify(text)}; expected the name of a user of this machine`,
  );
}

function runsOption(scanned: Scanned): number | undefined {
  const text = lastValue(scanned, "runs");
  return text === undefined ? undefined : countArgument(text, "--runs");
}

function metricsOption(scanned: Scanned): Address | undefined {
  const text = lastValue(scanned, "metrics");
  return text === undefined
    ? undefined
    : addressArgument(text, "--metrics", { anyPort: true, port: 9100 });
}
