/**
 * Clusters of real `fabric`s on this machine: each a separate OS process, on free ports.
 *
 * By default they run from source; with `compiled`, they are that executable.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { parseAddress } from "../../src/core/address.ts";
import { createLogger } from "../../src/core/logger.ts";
import { credentialOf, dialPart, loadSecret } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { FabricProcess, type FabricProcessOptions } from "../../src/testing/fabric_process.ts";
import type { Transport } from "../../src/net/transport.ts";
import { freePort } from "../free_port.ts";
import { SECRET_FILE } from "../secret.ts";
import { within } from "../within.ts";

/** A fabric with the secret of the tests, unless `options` say otherwise. */
export class Fabric extends FabricProcess {
  constructor(args: readonly string[], options: FabricProcessOptions = {}) {
    super(args, { ...options, env: { DEPLOY_SECRET_FILE: SECRET_FILE, ...options.env } });
  }
}

/** Resolves when these have ended in order; throws if one has not {@linkcode within} that time. */
export async function endsWithin(limitMs: number, fabrics: readonly Fabric[]): Promise<void> {
  let codes: readonly number[] | undefined;
  void Promise.all(fabrics.map(({ ended }) => ended)).then((ends) => {
    codes = ends.map(({ code }) => code);
  });
  await within(limitMs, () => codes !== undefined, () => "not every fabric has ended");
  assertEquals(codes, fabrics.map(() => 0));
}

/** The resources of a node of a cluster, as in the arguments of `fabric master`. */
export interface NodeSize {
  readonly mem: string;
  readonly cpu: number;
}

export interface ClusterOptions {
  /** The first one is the master's own. */
  readonly nodes?: readonly NodeSize[];
  /** Whether one of the others is started again, so that meanwhile nobody else may get its port. */
  readonly restarts?: boolean;
  /** A compiled `fabric`. */
  readonly compiled?: string | undefined;
  /** Arguments for each fabric. */
  readonly options?: readonly string[];
  readonly env?: Record<string, string>;
  /** For each node: a command, and its first arguments, that the command of its fabric is appended to. */
  readonly prefixes?: readonly (readonly string[])[];
}

/** A running cluster: a master with its own node, and further nodes. */
export interface Cluster extends AsyncDisposable {
  /** The address for `deploy`. */
  readonly bridge: string;
  readonly master: Fabric;
  /** The master's own node is the first one. */
  readonly addresses: readonly string[];
  /** The folders of their stores, in the same order; the bridge uses the master's. */
  readonly stores: readonly string[];
  /** The fabrics of the other nodes. */
  readonly nodes: readonly Fabric[];
  /** Starts one of the other nodes again, on its old address, after it has ended: see {@linkcode ClusterOptions.restarts}. */
  restart(index: number): Promise<Fabric>;
  /** Ends everything, in order. */
  stop(): Promise<void>;
}

const ROOMY: NodeSize = { mem: "16GiB", cpu: 16 };

/** Starts a cluster; resolves when the master has all nodes and its bridge takes deployments. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes: sizes = [ROOMY, ROOMY, ROOMY], compiled, env = {}, prefixes = [] } = options;
  const folder = await Deno.makeTempDir({ prefix: "deploy-cluster-" });
  const start = (args: readonly string[], number: number): Fabric =>
    new Fabric([...args, "--store", `${folder}/${number}`, ...(options.options ?? [])], {
      compiled,
      env,
      prefix: prefixes[number] ?? [],
    });
  const [own, ...others] = sizes;
  const port = () => options.restarts === true ? freePort() : 0;
  const nodes = others.map((_, index) => start([`127.0.0.1:${port()}`], index + 1));
  const addresses = await Promise.all(nodes.map((node) => node.ready("node")));
  const groups = others.flatMap(({ mem, cpu }, index) => [addresses[index]!, mem, String(cpu)]);
  const master = start(
    ["master", "127.0.0.1:0", own!.mem, String(own!.cpu), "bridge", "127.0.0.1:0", ...groups],
    0,
  );
  const address = await master.ready("master");
  const bridge = await master.ready("bridge");
  for (const name of [address, ...addresses]) {
    await master.line(new RegExp(`node ${name.replaceAll(/[.[\]]/g, "\\$&")} is there`));
  }
  const stop = async (): Promise<void> => {
    await Promise.all([master, ...nodes].map((fabric) => fabric[Symbol.asyncDispose]()));
    await Deno.remove(folder, { recursive: true });
  };
  return {
    bridge,
    master,
    addresses: [address, ...addresses],
    stores: sizes.map((_, number) => `${folder}/${number}`),
    nodes,
    restart: async (index) => {
      const fabric = nodes[index] = start([addresses[index]!], index + 1);
      await fabric.ready("node");
      return fabric;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Connects to a bridge as deploy does. */
export async function dialBridge(
  bridge: string,
  options: { plain?: boolean } = {},
): Promise<Transport> {
  const logger = createLogger("error", () => {});
  const credential = await credentialOf(
    await loadSecret({ secretFile: SECRET_FILE, logger }),
    options,
  );
  return await dialPart(parseAddress(bridge)!, Purpose.deploy, credential);
}
