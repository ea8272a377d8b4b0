/** The ports of the parts of a cluster: a master, a bridge and a node, with and without the secret. */

import { runBridge } from "../../src/bridge/bridge_service.ts";
import { type Address, parseAddress } from "../../src/core/address.ts";
import type { Logger } from "../../src/core/logger.ts";
import { formatAddress } from "../../src/core/pid.ts";
import { MiB } from "../../src/core/resources.ts";
import { KILL } from "../../src/core/signals.ts";
import { MasterService } from "../../src/master/master_service.ts";
import { authenticated } from "../../src/net/authenticated.ts";
import { credentialOf, dialPart, PartServer } from "../../src/net/connect.ts";
import type { Credential } from "../../src/net/credential.ts";
import { dialHandshake } from "../../src/net/handshake.ts";
import { writeAll } from "../../src/net/transport.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { NodeService } from "../../src/node/node_service.ts";
import { Store } from "../../src/store/store.ts";
import type { FetchToNode } from "../../src/wire/arg_messages.ts";
import { encodeMessage } from "../../src/wire/message.ts";
import type { MasterToNode } from "../../src/wire/node_messages.ts";
import type { DeployToBridge, NodeToBridge } from "../../src/wire/run_messages.ts";
import type { ViewerToBridge } from "../../src/wire/viewer_messages.ts";
import { BRIDGE_SAYS, HELLO_PIECE, KEY, MANIFEST, PID, SPEC } from "./decoders.ts";
import { joined } from "./mutate.ts";
import type { Attack, Port } from "./ports.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The ports, and what ends the parts. */
export interface ClusterPorts {
  readonly ports: readonly Port[];
  close(): Promise<void>;
}

/** A size that fits, and one that does not. */
const SMALL = { mem: MiB, cpu: 0 };
const HUGE = { mem: 2 ** 40, cpu: 1_000 };

/** Nobody listens there. */
const NOBODY = "127.0.0.1:1";

const STOP = { signal: "SIGTERM", graceMs: 3 } as const;

/** What a master says to a node. */
const MASTER_SAYS: readonly MasterToNode[] = [
  { type: "adopt", address: NOBODY, resources: null, session: "s" },
  { type: "open", run: "r1", key: KEY, bridge: NOBODY, hosts: ["127.0.0.1"] },
  { type: "try", request: 1, run: "r1" },
  {
    ...{ type: "launch", request: 2, run: "r1", parent: null, function: null, name: "f" },
    ...{ arg: new Uint8Array(), resources: SMALL, cwd: null, env: null },
  },
  { type: "kill", request: 3, run: "r1", pid: PID, ...STOP },
  { type: "probe", request: 4, run: "r1", pid: PID },
  { type: "recall", request: 5, session: "s", launch: 2 },
  { type: "bridge-gone", run: "r1" },
  { type: "stop", run: "r1", ...STOP },
  { type: "close", run: "r1" },
];

/** What deploy says to a bridge that has the files of its program, until that waits for room. */
const DEPLOY_SAYS: readonly DeployToBridge[] = [
  { type: "offer", spec: SPEC },
  { type: "run", name: "a", by: "b", resources: SMALL, graceMs: 3, detached: false },
];

/** What else it may say first. */
const DEPLOY_ASKS: readonly (readonly DeployToBridge[])[] = [
  [{ type: "offer", spec: SPEC }, { type: "piece", ...HELLO_PIECE }],
  [...DEPLOY_SAYS, { type: "why" }, { type: "stop", ...STOP }],
  [{ type: "check", spec: SPEC, resources: HUGE }],
  [{ type: "attach", run: "r1", by: "b", stdin: true }],
  [{ type: "resume", token: "t", from: 3 }],
];

/** What a viewer asks a bridge: only one question may wait for the answer to another one. */
const VIEWER_SAYS: readonly (readonly ViewerToBridge[])[] = [
  [{ type: "list", memory: true }, { type: "nodes" }],
  [{ type: "view", run: "r1", follow: true, from: 0 }],
  [{ type: "processes", run: "r1" }, { type: "samples", run: "r1" }],
  [{ type: "fits", resources: HUGE }, { type: "kill", run: "r1", by: "b", ...STOP }],
];

/** What a node says to the bridge of a run that it hosts. */
const HOST_SAYS: readonly NodeToBridge[] = [
  { type: "host", run: "r1", node: NOBODY, link: "l", taken: 0 },
  { type: "waits", request: 1, processes: [] },
];

/** What a node asks another one for. */
const FETCH_SAYS: readonly FetchToNode[] = [{ type: "fetch", id: "a".repeat(32) }];

/**
 * Starts the three parts, with the store in `folder`.
 *
 * @param strangers What somebody says who does not know the secret.
 */
export async function clusterPorts(
  folder: string,
  secret: Bytes,
  strangers: readonly Bytes[],
  logger: Logger,
): Promise<ClusterPorts> {
  const credential = await credentialOf({ bytes: secret, open: false }, { plain: true });
  const master = masterServer(credential, logger);
  const ending = new AbortController();
  const ready = Promise.withResolvers<string>();
  await putHello(`${folder}/bridge`);
  const bridge = runBridge({
    ...{ bind: { host: "127.0.0.1", port: 0 }, master: master.address, credential, logger },
    ...{ store: `${folder}/bridge`, onReady: ready.resolve, signal: ending.signal },
  });
  bridge.catch(ready.reject);
  const store = await Store.open(`${folder}/node`);
  const node = nodeServer(credential, store, logger);
  const bridgeAt = parseAddress(await ready.promise)!;
  const open = (
    address: Address,
    purpose: Purpose,
    says: readonly (readonly { type: string }[])[],
  ) => {
    const valid = says.map((messages) => joined(...messages.map((each) => encodeMessage(each))));
    const dial = () => enter(address, purpose, credential);
    return { valid, dial, visit: () => isAnswered(dial, valid[0]!) };
  };
  const closed = ({ host: hostname, port }: Address, purpose: Purpose) => ({
    valid: strangers,
    dial: () => Deno.connect({ hostname, port }),
    visit: async () => (await dialPart({ host: hostname, port }, purpose, credential)).close(),
  });
  const ports: readonly Port[] = [
    { name: "the port of a master, without the secret", ...closed(master.address, Purpose.bridge) },
    {
      name: "the port of a master, with the secret",
      ...open(master.address, Purpose.bridge, [[...BRIDGE_SAYS]]),
    },
    { name: "the port of a bridge, without the secret", ...closed(bridgeAt, Purpose.view) },
    {
      name: "the port of a bridge, as deploy",
      ...open(bridgeAt, Purpose.deploy, [DEPLOY_SAYS, ...DEPLOY_ASKS]),
    },
    { name: "the port of a bridge, as a viewer", ...open(bridgeAt, Purpose.view, VIEWER_SAYS) },
    { name: "the port of a bridge, as a node", ...open(bridgeAt, Purpose.run, [HOST_SAYS]) },
    { name: "the port of a node, without the secret", ...closed(node.address, Purpose.node) },
    { name: "the port of a node, as a master", ...open(node.address, Purpose.node, [MASTER_SAYS]) },
    {
      name: "the port of a node, as another node",
      ...open(node.address, Purpose.arg, [FETCH_SAYS]),
    },
  ];
  const close = async (): Promise<void> => {
    ending.abort();
    await bridge;
    await node.close();
    await store[Symbol.asyncDispose]();
    await master.close();
  };
  return { ports, close };
}

/** Puts the file of the program into a store. */
async function putHello(folder: string): Promise<void> {
  await using store = await Store.open(folder);
  await using _files = await store.ensure(
    [MANIFEST],
    (_missing, put) => put(HELLO_PIECE.hash, HELLO_PIECE.bytes),
  );
}

/** How long an answer may take, on a busy machine. */
const ANSWER_MS = 60_000;

/** Says what is valid. @throws {Error} If nothing is answered. */
async function isAnswered(dial: () => Promise<Attack>, says: Bytes): Promise<void> {
  const conn = await dial();
  const late = setTimeout(() => conn.close(), ANSWER_MS);
  try {
    await writeAll(conn, says);
    const answer = new Uint8Array(1_024);
    if (await conn.read(answer) === null) throw new Error("it closed the connection");
  } finally {
    clearTimeout(late);
    conn.close();
  }
}

function masterServer(credential: Credential, logger: Logger): PartServer {
  const master = new MasterService({ credential, logger });
  return new PartServer({
    address: { host: "127.0.0.1", port: 0 },
    credential,
    logger,
    handlers: {
      [Purpose.bridge]: (conn, remote) => master.acceptBridge(conn, remote),
      [Purpose.deploy]: (conn) => conn.close(),
    },
  });
}

function nodeServer(
  credential: Credential,
  store: Store,
  logger: Logger,
): { address: Address; close(): Promise<void> } {
  const server = new PartServer({
    address: { host: "127.0.0.1", port: 0 },
    credential,
    logger,
    handlers: {
      [Purpose.node]: (conn, remote) => service.acceptMaster(conn, remote),
      [Purpose.arg]: (conn, remote) => service.acceptFetch(conn, remote),
    },
  });
  const { host, port } = server.address;
  const service = new NodeService({
    ...{ host, port, address: formatAddress(host, port), machine: SMALL },
    ...{ credential, store, logger, maxSpares: 0 },
  });
  const close = async (): Promise<void> => {
    await service.stop(KILL);
    await server.close();
  };
  return { address: server.address, close };
}

/** Connects as somebody who has the secret: the records have valid MACs, and what is in them is hostile. */
async function enter(
  { host: hostname, port }: Address,
  purpose: Purpose,
  credential: Credential,
): Promise<Attack> {
  const conn = await Deno.connect({ hostname, port });
  conn.setNoDelay(true);
  const session = await dialHandshake(conn, credential, purpose);
  const closeWrite = () => conn.closeWrite();
  return Object.assign(await authenticated(conn, session), { closeWrite });
}
