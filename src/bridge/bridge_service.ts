/** The bridge of a cluster: takes deployments, and serves the nodes that host their runs. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { startTimer } from "../core/timer.ts";
import { formatAddress } from "../core/pid.ts";
import { delay } from "../net/delay.ts";
import { Store } from "../store/store.ts";
import { dialPart, PartServer } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import { type LivenessOptions, LOCAL_NETWORK } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { DEPLOY_TO_BRIDGE } from "../wire/run_messages.ts";
import type { DeployLink } from "./attachment.ts";
import { bridgeMetrics } from "./bridge_metrics.ts";
import type { Caller } from "./caller.ts";
import { attach, resume } from "./attaching.ts";
import { type ActiveRun, Deployment, type DeploymentContext } from "./deployment.ts";
import { VIEWER_TO_BRIDGE } from "../wire/viewer_messages.ts";
import { Inspectors } from "./inspectors.ts";
import { markAnyPort, removeLeftArchives } from "./left_archives.ts";
import { MasterClient } from "./master_client.ts";
import { RunArchive } from "./run_archive.ts";
import { dropPeer, serveNode } from "./serve_node.ts";
import { serveViewer, type ViewerLink } from "./viewing.ts";
import type { Transport } from "../net/transport.ts";

/** The settings of a bridge. */
export interface BridgeOptions {
  /** Where to listen for deploy and for nodes. */
  readonly bind: Address;
  /** Whether its port was any free one, which the next bridge does not have. @default false */
  readonly anyPort?: boolean;
  readonly master: Address;
  readonly credential: Credential;
  /** The names of invitations that were taken back. @default none */
  readonly denied?: ReadonlySet<string>;
  /** How many runs each person may have at a time. @default any number */
  readonly mostRuns?: number | undefined;
  /** The folder of the store. */
  readonly store: string;
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
  const { bind, credential, liveness = LOCAL_NETWORK, logger, signal } = options;
  await using store = await Store.open(options.store);
  if (Deno.build.standalone) await store.addSource(Deno.execPath());
  const conn = await dialPart(options.master, Purpose.bridge, credential, { signal });
  const master = new MasterClient(conn, liveness);
  const runs = new Map<string, ActiveRun>();
  const folder = `${store.folder}/runs/${formatAddress(bind.host, bind.port)}`;
  const archive = await RunArchive.open({ folder, logger });
  const swept = sweepArchives(folder, options.anyPort === true ? store.ownFolder : undefined)
    .catch((error) => logger.debug(`cannot remove the logs of other bridges: ${messageOf(error)}`));
  const attachments: DeploymentContext["attachments"] = new Map();
  const { mostRuns } = options;
  const context = { store, master, liveness, logger, runs, attachments, archive, mostRuns };
  const inspectors = new Inspectors({ attachments, liveness, logger, startTimer });
  const deployments = new Set<Promise<void>>();
  await using server = new PartServer({
    address: bind,
    credential: { ...credential, denied: options.denied ?? new Set() },
    logger,
    handlers: {
      [Purpose.deploy]: (conn, remote, invited) => {
        const served = serveDeploy(conn, { remote, invited }, context);
        deployments.add(served);
        void served.finally(() => deployments.delete(served));
      },
      [Purpose.view]: (conn, remote, invited) => void serveView(conn, { remote, invited }, context),
      [Purpose.run]: (conn, remote) => void serveNode(conn, remote, context),
      [Purpose.inspect]: (conn, remote) => void inspectors.serveDebugger(conn, remote),
      [Purpose.inspector]: (conn, remote) => void inspectors.takeInspector(conn, remote),
    },
  });
  const address = formatAddress(server.address.host, server.address.port);
  master.measure = async () =>
    bridgeMetrics({
      present: new Map(
        await Promise.all(
          Array.from(runs, async ([id, { run }]) => {
            const sent = await run.sent();
            return [id, { outputBytes: run.outputBytes, sent }] as const;
          }),
        ),
      ),
      runs: archive.list(),
      viewers: attachments.size,
      receivedBytes: store.receivedBytes,
      refused: server.refused,
      address,
    });
  master.announce(address);
  const leave = async (): Promise<void> => {
    await Promise.race([Promise.all(deployments), delay(LAST_EVENTS_MS)]);
    await archive.close();
    master.close();
  };
  signal.addEventListener("abort", () => void leave(), { once: true });
  if (signal.aborted) void leave();
  else options.onReady(address);
  const { message } = await master.ended;
  for (const attachment of attachments.values()) {
    attachment.finish({ type: "ending", why: `it has lost its master: ${message}` });
  }
  const gone = [...attachments.values()].map(({ ended }) => ended);
  await Promise.race([Promise.all(gone), delay(LAST_EVENTS_MS)]);
  await swept;
  return message;
}

async function serveDeploy(
  conn: Transport,
  caller: Caller,
  context: DeploymentContext,
): Promise<void> {
  const link: DeployLink = new MessageLink(conn, {
    schema: DEPLOY_TO_BRIDGE,
    liveness: context.liveness,
    idle: true,
  });
  try {
    const messages = link.messages();
    const first = (await messages.next()).value;
    if (first === undefined) return;
    switch (first.type) {
      case "attach":
        return await attach(link, first, messages, caller, context);
      case "resume":
        return await resume(link, first, messages, context);
      default:
        return await new Deployment(link, caller, context).serve(first, messages);
    }
  } catch (error) {
    dropPeer(link, { who: "deploy", remote: caller.remote }, error, context.logger);
  }
}

async function serveView(
  conn: Transport,
  caller: Caller,
  context: DeploymentContext,
): Promise<void> {
  const { liveness, logger } = context;
  const link: ViewerLink = new MessageLink(conn, { schema: VIEWER_TO_BRIDGE, liveness });
  try {
    await serveViewer(link, caller, context);
  } catch (error) {
    dropPeer(link, { who: "the viewer", remote: caller.remote }, error, logger);
  }
}

/** Marks the folder of this bridge's logs, and removes those of others that nobody asks for again. */
async function sweepArchives(folder: string, alive: string | undefined): Promise<void> {
  await markAnyPort(folder, alive);
  await removeLeftArchives(folder.slice(0, folder.lastIndexOf("/")), Date.now());
}
