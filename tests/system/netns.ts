/**
 * Several hosts on this machine: network namespaces, each with an address of its own, and a switch
 * between them. Any host can be disconnected from it silently, as when a cable is pulled.
 *
 * Needs root, Linux, and `ip`. A network that was left by a killed process is
 * removed when the next one is made.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { SlowWire } from "./slow_wire.ts";

/** The prefix of the names of networks, followed by the id of the process that made them. */
const PREFIX = "deploy-test-";

/** The reason why no network can be made here, in a few words; `undefined` if one can. */
export function whyNoNetwork(): string | undefined {
  if (Deno.build.os !== "linux") return "network namespaces are of Linux";
  if (Deno.uid() !== 0) return "network namespaces need root";
  try {
    const probe = `${PREFIX}${Deno.pid}-probe`;
    const { success, stderr } = ipSync(["netns", "add", probe]);
    if (!success) return `network namespaces cannot be made: ${stderr}`;
    ipSync(["netns", "del", probe]);
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no ip command (iproute2)";
    throw error;
  }
}

/** Defines a test. Where no network can be made, it is skipped, with the reason. */
export function networkTest(name: string, fn: () => Promise<void>): void {
  const why = reason ??= whyNoNetwork() ?? "";
  Deno.test({
    name: why === "" ? name : `${name} (skipped: ${why})`,
    ignore: why !== "",
    fn: async () => {
      await (provisions ??= provide());
      await fn();
    },
  });
}
let reason: string | undefined;
let provisions: Promise<void> | undefined;

/** Downloads everything that would be downloaded at its first use: these hosts have no access to the network. */
async function provide(): Promise<void> {
  const root = new URL("../../", import.meta.url).pathname;
  const folder = await Deno.makeTempDir({ prefix: "deploy-provisions-" });
  try {
    const all: string[][] = [
      ["cache", "fabric.ts", "cli.ts"],
      ["bundle", "--quiet", "--output", `${folder}/hello.js`, "examples/hello.ts"],
    ];
    for (const args of all) {
      const command = new Deno.Command(Deno.execPath(), { args, cwd: root, stdin: "null" });
      const { success, stderr } = await command.output();
      assert(success, new TextDecoder().decode(stderr));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One host of a network. */
export class Host {
  /** Its address, without brackets: `10.99.0.1`, or `fd00:99::1`. */
  readonly address: string;
  /** Its address with a port, in the form for arguments. */
  readonly bind: string;
  readonly #name: string;
  readonly #switch: string;
  readonly #port: string;

  constructor(network: string, number: number, family: 4 | 6) {
    this.address = family === 4 ? `10.99.0.${number}` : `fd00:99::${number}`;
    this.bind = family === 4 ? `${this.address}:9999` : `[${this.address}]:9999`;
    this.#name = `${network}-host${number}`;
    this.#switch = `${network}-switch`;
    this.#port = `port${number}`;
  }

  /** Words in front of a command that run it on this host. */
  get prefix(): string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  /** Disconnects it silently: everything that is sent to it or by it is lost. */
  async cut(): Promise<void> {
    await ip([["-n", this.#switch, "link", "set", this.#port, "nomaster"]]);
  }

  /** Connects it again. */
  async heal(): Promise<void> {
    await ip([["-n", this.#switch, "link", "set", this.#port, "master", "switch"]]);
  }

  /**
   * Has everything that it sends, and everything that is sent to it, take so long, until the wire is disposed
   * of; then the host is cut off. See {@linkcode SlowWire.isPossible}.
   */
  async slow(delayMs: number): Promise<SlowWire> {
    const ends = [`${this.#port}-far`, `${this.#port}-near`] as const;
    // Names of devices are short, and ids of processes may be long.
    const names = ends.map((name) => `${name}${Deno.pid.toString(36)}`) as [string, string];
    const wire = new SlowWire(names, delayMs);
    const [far, near] = names;
    const inSwitch = (...words: string[]) => ["-n", this.#switch, "link", ...words];
    const between = `${this.#port}-slow`;
    await ip([
      ...names.map((name) => ["link", "set", name, "netns", this.#switch]),
      inSwitch("add", between, "type", "bridge", "mcast_snooping", "0"),
      inSwitch("set", this.#port, "master", between),
      inSwitch("set", near, "master", between, "up"),
      inSwitch("set", far, "master", "switch", "up"),
      inSwitch("set", between, "up"),
    ]);
    return wire;
  }

  /** Breaks the connections of the listener on that port; both ends of each notice that. */
  async breakConnections(port: number): Promise<void> {
    const kill = ["ss", "--kill", "state", "established", "sport", "=", `:${port}`];
    await ip([["netns", "exec", this.#name, ...kill]]);
  }

  /**
   * Closes ports to other hosts, as a firewall does: packets to them are dropped, or refused. Where there is
   * no `nft`, routing rules drop them in any case.
   *
   * @returns What is done with them.
   */
  async closePorts(ports: string, how: "drop" | "reject"): Promise<"drop" | "reject"> {
    const inside = ["netns", "exec", this.#name];
    if (await hasNft()) {
      // Other ways to reject are limited by the kernel to some per second.
      const action = how === "drop" ? "drop" : "reject with tcp reset";
      const rule = `iifname eth0 tcp dport ${ports} ${action}`;
      const chain = `chain in { type filter hook input priority 0; ${rule}\n }`;
      await ip([[...inside, "nft", `table inet closed {\n ${chain}\n }`]]);
      return how;
    }
    const rule = ["pref", "10", "iif", "eth0", "ipproto", "tcp", "dport", ports, "blackhole"];
    await ip(["-4", "-6"].flatMap((family) => [
      // The first rule delivers what is for this host.
      ["-n", this.#name, family, "rule", "add", ...rule],
      ["-n", this.#name, family, "rule", "add", "pref", "20", "lookup", "local"],
      ["-n", this.#name, family, "rule", "del", "pref", "0"],
    ]));
    return "drop";
  }

  /**
   * Drops so many percent of the packets that come to it, or that it sends, until {@linkcode keep}: one of so many,
   * in turn, since by chance a packet and all its repetitions could be dropped. Needs `nft`: see {@linkcode hasNft}.
   */
  async drop(what: "incoming" | "outgoing" | "both", percent: number): Promise<void> {
    const some = percent === 100 ? "" : `numgen inc mod ${Math.round(100 / percent)} == 0 `;
    const chains = {
      incoming: `chain i { type filter hook input priority 0; iifname eth0 ${some}drop\n }`,
      outgoing: `chain o { type filter hook output priority 0; oifname eth0 ${some}drop\n }`,
    };
    const wanted = what === "both" ? [chains.incoming, chains.outgoing] : [chains[what]];
    const table = `table inet dropping {\n ${wanted.join("\n")}\n }`;
    await ip([["netns", "exec", this.#name, "nft", table]]);
  }

  /** Drops no more. */
  async keep(): Promise<void> {
    await ip([["netns", "exec", this.#name, "nft", "delete table inet dropping"]]);
  }

  /** The ids of all processes on it. */
  async processes(): Promise<number[]> {
    return await processesIn(this.#name);
  }
}

/** A switch, and the hosts that are connected to it. Processes on them end with it. */
export class Network implements AsyncDisposable {
  readonly hosts: readonly Host[];
  readonly #namespaces: readonly string[];

  private constructor(hosts: readonly Host[], namespaces: readonly string[]) {
    this.hosts = hosts;
    this.#namespaces = namespaces;
  }

  /** Makes a network of so many hosts. All have IPv4 and IPv6; their `address` is of `family`. */
  static async create(count: number, family: 4 | 6 = 4): Promise<Network> {
    await removeLeftovers();
    const network = `${PREFIX}${Deno.pid}-${made++}`;
    const bridge = `${network}-switch`;
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const names = numbers.map((number) => `${network}-host${number}`);
    const hosts = numbers.map((number) => new Host(network, number, family));
    const created = new Network(hosts, [bridge, ...names]);
    try {
      await ip([bridge, ...names].map((name) => ["netns", "add", name]));
      await ip([
        ["-n", bridge, "link", "add", "switch", "type", "bridge", "mcast_snooping", "0"],
        ["-n", bridge, "link", "set", "switch", "up"],
        ...numbers.flatMap((number) => wiring(bridge, `${network}-host${number}`, number)),
      ]);
    } catch (error) {
      await created[Symbol.asyncDispose]();
      throw error;
    }
    return created;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#namespaces) await removeNamespace(name);
  }
}
let made = 0;

/** The commands that connect a host to the switch, and give it its addresses. */
function wiring(bridge: string, host: string, number: number): string[][] {
  const port = `port${number}`;
  const peer = ["peer", "name", "eth0", "netns", host];
  return [
    ["-n", bridge, "link", "add", port, "type", "veth", ...peer],
    ["-n", bridge, "link", "set", port, "master", "switch", "up"],
    ["-n", host, "link", "set", "lo", "up"],
    ["-n", host, "addr", "add", `10.99.0.${number}/24`, "dev", "eth0"],
    // No other host has it, so the check for duplicates, which takes a second, is not needed.
    ["-n", host, "addr", "add", `fd00:99::${number}/64`, "dev", "eth0", "nodad"],
    ["-n", host, "link", "set", "eth0", "up"],
  ];
}

/** Removes the networks of processes that are gone, and ends what still runs in them. */
async function removeLeftovers(): Promise<void> {
  for (const { name } of await namespaces()) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || await exists(`/proc/${owner}`)) continue;
    await removeNamespace(name);
  }
}

async function namespaces(): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir("/run/netns"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return []; // no network was ever made
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Ends the processes in a namespace, and removes it. Another process may be doing the same. */
async function removeNamespace(name: string): Promise<void> {
  if (!await exists(`/run/netns/${name}`)) return;
  for (const pid of await processesIn(name)) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has just ended
    }
  }
  const { success, stderr } = ipSync(["netns", "del", name]);
  assert(success || !await exists(`/run/netns/${name}`), `Cannot remove ${name}: ${stderr}`);
}

async function processesIn(name: string): Promise<number[]> {
  const { success, stdout } = await new Deno.Command("ip", { args: ["netns", "pids", name] })
    .output();
  if (!success) return []; // it no longer exists
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
}

/** Whether there is the command that makes firewalls. */
export async function hasNft(): Promise<boolean> {
  try {
    return (await new Deno.Command("nft", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function ip(commands: string[][]): Promise<void> {
  for (const args of commands) {
    const { success, stderr } = await new Deno.Command("ip", { args }).output();
    assert(success, `Cannot ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}

function ipSync(args: string[]): { success: boolean; stderr: string } {
  const { success, stderr } = new Deno.Command("ip", { args }).outputSync();
  return { success, stderr: new TextDecoder().decode(stderr).trim() };
}
