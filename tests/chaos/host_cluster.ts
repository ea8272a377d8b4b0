/** A cluster whose parts are on separate hosts, as far as the network is concerned. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { parsePid, type Pid } from "../../src/core/pid.ts";
import { writeNewSecret } from "../../src/fabric/secret_file.ts";
import { Fabric } from "../fabric/cluster.ts";
import { Deployed } from "../fabric/deployed.ts";
import { type Host, Network } from "../system/netns.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** The resources of each node, and of the master's own. */
const MEM = "1GiB";
const MASTER_MEM = "2GiB";
const CPU = "1";

export interface HostClusterOptions {
  /** @default 4 */
  readonly family?: 4 | 6;
  /** The number of nodes besides the master's own. @default 2 */
  readonly nodes?: number;
  /** A compiled `fabric`. */
  readonly compiled?: string | undefined;
  /** The environment of each `fabric` and `deploy`. */
  readonly env?: Record<string, string>;
  /** Arguments of each `fabric`. */
  readonly args?: readonly string[];
}

/** A master, nodes, and a host to deploy from. They share a secret. */
export class HostCluster implements AsyncDisposable {
  readonly network: Network;
  readonly master: Fabric;
  /** The host of the master, with its own node and the bridge. */
  readonly masterHost: Host;
  readonly nodes: readonly Fabric[];
  readonly nodeHosts: readonly Host[];
  /** A host on which nothing of the cluster runs. */
  readonly laptop: Host;
  readonly secretFile: string;
  readonly bridge: string;
  readonly #env: Record<string, string>;
  readonly #folder: string;

  private constructor(
    parts: Pick<HostCluster, "network" | "master" | "nodes" | "secretFile" | "bridge">,
    env: Record<string, string>,
    folder: string,
  ) {
    this.#env = env;
    this.network = parts.network;
    this.master = parts.master;
    this.nodes = parts.nodes;
    this.secretFile = parts.secretFile;
    this.bridge = parts.bridge;
    const [masterHost, ...others] = parts.network.hosts;
    this.masterHost = masterHost!;
    this.laptop = others.pop()!;
    this.nodeHosts = others;
    this.#folder = folder;
  }

  /** Resolves when the master has all nodes, and its bridge takes deployments. */
  static async start(options: HostClusterOptions = {}): Promise<HostCluster> {
    const { family = 4, nodes: count = 2, compiled, env = {}, args: more = [] } = options;
    const network = await Network.create(count + 2, family);
    const folder = await Deno.makeTempDir({ prefix: "deploy-hosts-" });
    const secretFile = `${folder}/secret`;
    await writeNewSecret(secretFile);
    const start = (host: Host, args: readonly string[]): Fabric =>
      new Fabric(
        [...args, ...more, "--store", `${folder}/${host.address}`, "--secret-file", secretFile],
        { compiled, prefix: host.prefix, env },
      );
    const [masterHost, ...others] = network.hosts;
    const nodeHosts = others.slice(0, count);
    const nodes = nodeHosts.map((host) => start(host, [host.bind]));
    const groups = nodeHosts.flatMap((host) => [host.bind, MEM, CPU]);
    const bridge = masterHost!.bind.replace(/\d+$/, "8888");
    const own = [masterHost!.bind, MASTER_MEM, CPU, "bridge", bridge];
    const master = start(masterHost!, ["master", ...own, ...groups]);
    const cluster = new HostCluster({ network, master, nodes, secretFile, bridge }, env, folder);
    try {
      await master.ready("bridge");
      for (const host of [masterHost!, ...nodeHosts]) await cluster.adopted(host);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Resolves when the master has reported a host's node as connected, at or after that line of its output. */
  async adopted(host: Host, from = 0): Promise<void> {
    await this.master.line(new RegExp(`node ${escape(host.bind)} is there`), { from });
  }

  /** Deploys a program from the host for that. */
  async deploy(source: string, args: readonly string[] = []): Promise<Deployed> {
    const flags = ["--secret-file", this.secretFile];
    return await Deployed.start(this.bridge, source, {
      args,
      flags,
      prefix: this.laptop.prefix,
      env: this.#env,
    });
  }

  /** What `deploy` says to these arguments, from the same host. */
  async ask(args: readonly string[]): Promise<string> {
    const [path, ...words] = [...this.laptop.prefix, Deno.execPath(), "run", "-A", CLI];
    const given = ["--secret-file", this.secretFile];
    const { stdout, stderr } = await new Deno.Command(path!, {
      args: [...words, ...args, ...given],
      env: { DEPLOY_BRIDGE: this.bridge, NO_COLOR: "1", ...this.#env },
      stdin: "null",
    }).output();
    return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  }

  /** The host of a process, according to its Pid. */
  hostOf(pid: Pid): Host {
    const parts = parsePid(pid);
    const host = this.network.hosts.find(({ address }) => address === parts?.host);
    assert(host !== undefined, `${pid} is on no host of the network`);
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.network.hosts) await host.heal();
    await Promise.all([this.master, ...this.nodes].map((part) => part[Symbol.asyncDispose]()));
    await this.network[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.[\]]/g, "\\$&");
}
