/** The bridge of a cluster: takes deployments, and serves the nodes that host their runs. */

import type { Address } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { delay } from "../net/delay.ts";
import { Store } from "../store/store.ts";
import { type DialOptions, dialPart, PartServer, type PartServerOptions } from "../net/connect.ts";
import { type Credential, Purpose } from "../net/handshake.ts";
import { type LivenessOptions, LOCAL_NETWORK } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { DEPLOY_TO_BRIDGE, NODE_TO_BRIDGE } from "../wire/run_messages.ts";
import type { HostLink } from "./host_link.ts";
import {
  type ActiveRun,
  type DeployLink,
  Deployment,
  type DeploymentContext,
} from "./deployment.ts";
import { VIEWER_TO_BRIDGE } from "../wire/viewer_messages.ts";
import { MasterClient } from "./master_client.ts";
import { RunArchive } from "./run_archive.ts";
import { serveViewer, type ViewerLink } from "./viewing.ts";

/** The settings of a bridge. */
export interface BridgeOptions {
  /** Where to listen for deploy and for nodes. */
  readonly bind: Address;
  readonly master: Address;
  readonly credential: Credential;
  /** The folder of the store. */
  readonly store: string;
  /** Encrypts incoming and outgoing connections. */
  readonly tls?: PartServerOptions["tls"] & DialOptions["tls"];
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  readonly logger: Logger;
  /** Called with the bridge's address once it can be used. */
  readonly onReady: (address: string) => void;
  /** Ends the bridge, and with it the runs that were deployed through it. */
  readonly signal: AbortSignal;
}

/** How long the last events of runs may take to reach deploy when the bridge ends. */
const LAST_EVENTS_MS = 1_000;

/**
 * Runs a bridge until `signal` is aborted or the master is lost. Runs that have ended when `signal` is
 * aborted are reported first.
 *
 * @returns Why it ended, for a person.
 * @throws {Error} If the master cannot be reached, or the bridge cannot listen on `bind`.
 */
export async function runBridge(options: BridgeOptions): Promise<string> {
  const { bind, credential, liveness = LOCAL_NETWORK, logger, signal, tls } = options;
  await using store = await Store.open(options.store);
  if (Deno.build.standalone) await store.addSource(Deno.execPath());
  const conn = await dialPart(options.master, Purpose.bridge, credential, { signal, tls });
  const master = new MasterClient(conn, liveness);
  const runs = new Map<string, ActiveRun>();
  const folder = `${store.folder}/runs/${formatAddress(bind.host, bind.port)}`;
  const archive = await RunArchive.open({ folder, logger });
  const context: DeploymentContext = { store, master, liveness, logger, runs, archive };
  const deployments = new Set<Promise<void>>();
  await using server = new PartServer({
    address: bind,
    credential,
    logger,
    tls,
    handlers: {
      [Purpose.deploy]: (conn, remote) => {
        const served = serveDeploy(conn, remote, context);
        deployments.add(served);
        void served.finally(() => deployments.delete(served));
      },
      [Purpose.view]: (conn, remote) => void serveView(conn, remote, context),
      [Purpose.run]: (conn, remote) => void serveNode(conn, remote, context),
    },
  });
  const address = formatAddress(server.address.host, server.address.port);
  master.announce(address);
  const leave = async (): Promise<void> => {
    await Promise.race([Promise.all(deployments), delay(LAST_EVENTS_MS)]);
    await archive.close();
    master.close();
  };
  signal.addEventListener("abort", () => void leave(), { once: true });
  if (signal.aborted) void leave();
  else options.onReady(address);
  return (await master.ended).message;
}

async function serveDeploy(
  conn: Deno.Conn,
  remote: string,
  context: DeploymentContext,
): Promise<void> {
  const link: DeployLink = new MessageLink(conn, {
    schema: DEPLOY_TO_BRIDGE,
    liveness: context.liveness,
  });
  try {
    await new Deployment(link, remote, context).serve();
  } catch (error) {
    drop(link, `deploy at ${remote}`, error, context.logger);
  }
}

async function serveView(
  conn: Deno.Conn,
  remote: string,
  context: DeploymentContext,
): Promise<void> {
  const { liveness, logger } = context;
  const link: ViewerLink = new MessageLink(conn, { schema: VIEWER_TO_BRIDGE, liveness });
  try {
    await serveViewer(link, context);
  } catch (error) {
    drop(link, `the viewer at ${remote}`, error, logger);
  }
}

async function serveNode(
  conn: Deno.Conn,
  remote: string,
  { runs, liveness, logger }: DeploymentContext,
): Promise<void> {
  const link: HostLink = new MessageLink(conn, { schema: NODE_TO_BRIDGE, liveness });
  try {
    const messages = link.received();
    const host = (await messages.next()).value?.message;
    if (host === undefined) return;
    if (host.type !== "host") {
      throw new ProtocolError(`the first message is "${host.type}", not "host"`);
    }
    const active = runs.get(host.run);
    // The run may have ended while the node was connecting.
    if (active === undefined) return link.drop();
    await active.run.serve(link, messages, host.node);
  } catch (error) {
    drop(link, `the node at ${remote}`, error, logger);
  }
}

/**
 * Drops a peer with one log line; an error of this program is logged with its stack, and affects no other
 * peer.
 */
function drop(link: { drop(): void }, who: string, error: unknown, logger: Logger): void {
  link.drop();
  if (error instanceof ProtocolError) logger.warn(`dropped ${who}: ${error.message}`);
  else logger.error(`dropped ${who}: ${error instanceof Error ? error.stack : String(error)}`);
}
