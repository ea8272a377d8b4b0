/** One run on a node of a cluster: fetches its program, hosts its processes, and cleans up. */

import { messageOf, SpawnError } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { EndStatus } from "../core/exit_status.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { CarriedArg, Launched, MasterPort, SpawnRequest } from "../core/roles.ts";
import { howToEnd } from "../core/run_end.ts";
import { KILL, type Termination } from "../core/signals.ts";
import { startTimer } from "../core/timer.ts";
import { decodeRunSpec } from "../wire/run_spec.ts";
import { StoreError } from "../store/store_error.ts";
import { ChannelProtection } from "../net/channel_protection.ts";
import { ConnectError } from "../net/connect.ts";
import { LinkError } from "../net/message_link.ts";
import { FetchedArgs } from "./fetched_args.ts";
import type { HeldArgs } from "./held_args.ts";
import { cannotStart } from "./launch_errors.ts";
import type { NodeContext } from "./node_context.ts";
import { NodeRun } from "./node_run.ts";
import { RunFiles } from "./run_files.ts";
import { RunLink } from "./run_link.ts";
import type { UnreachedProcess } from "./unreached_notice.ts";
import type { Boots } from "../host/boots.ts";
import type { PersonDisks } from "../host/person_disk.ts";
import { faultOf } from "../host/node_fault.ts";
import { UnfitError } from "../host/program.ts";
import { checkLimits, runProgram, thisRuntime } from "../host/run_program.ts";
import { willFolder } from "../host/will_store.ts";

/** What a master tells a node about a run. */
export interface OpenedRun {
  readonly run: string;
  readonly key: Uint8Array<ArrayBuffer>;
  readonly bridge: string;
  /** The hosts of the other nodes of the cluster. */
  readonly hosts: readonly string[];
}

/** The state that exists once the program has arrived. */
interface Prepared {
  readonly node: NodeRun;
  readonly link: RunLink;
}

export class HostedRun {
  readonly #opened: OpenedRun;
  readonly #context: NodeContext;
  readonly #master: MasterPort;
  readonly #args: FetchedArgs;
  readonly #boots: Boots;
  readonly #unreached: ((attempt: UnreachedProcess) => void) | undefined;
  readonly #ending = new AbortController();
  readonly #files: RunFiles;
  #preparing: Promise<Prepared> | undefined;
  /** The link to the bridge, which outlives attempts to get the files. */
  #link: RunLink | undefined;
  #node: NodeRun | undefined;
  #ended: Promise<void> | undefined;
  /** How its processes end once the bridge is lost for good. */
  #lost: EndStatus | undefined;

  constructor(
    opened: OpenedRun,
    context: NodeContext,
    { master, held, boots, persons, unreached }: {
      master: MasterPort;
      /** The arguments that the node holds for others. */
      held: HeldArgs;
      /** The boots of all runs of the node. */
      boots: Boots;
      /** What the runs of each person take on the node. @default that is not limited */
      persons?: PersonDisks | undefined;
      /** Called when a process has tried for a while to connect to one on another host, and cannot. */
      unreached?: ((attempt: UnreachedProcess) => void) | undefined;
    },
  ) {
    this.#boots = boots;
    this.#unreached = unreached;
    this.#opened = opened;
    this.#files = new RunFiles(opened.run, context, persons);
    this.#context = context;
    this.#master = master;
    const { credential, liveness } = context;
    this.#args = new FetchedArgs({ held, credential, liveness, signal: this.#ending.signal });
  }

  /**
   * As {@linkcode NodeRun.needs}, once the program has arrived. @throws {SpawnError} If it does not arrive.
   *
   * @throws {NodeFaultError} If that is because this node lacks something.
   */
  async needs(): Promise<Resources> {
    const { node } = await this.#prepared(null);
    return await node.needs();
  }

  /**
   * Starts a process, once the program has arrived.
   *
   * @throws {SpawnError} `not-started`, or `lost` if the run is ending.
   * @throws {NodeFaultError} If that is because this node lacks something: the next attempt begins anew.
   */
  async launch(request: SpawnRequest<CarriedArg>): Promise<Launched> {
    const { node, link } = await this.#prepared(request.function);
    const launched = await this.#args.use(
      request.arg,
      (arg) => node.launch({ ...request, arg }),
    );
    const stdin = node.stdin(launched.pid);
    if (stdin !== undefined) {
      link.stdin.attach(stdin, () => node.readsStdin(launched.pid));
      void launched.ended.then(() => link.stdin.detach());
    }
    // The bridge did not get how it ended, and says the same.
    const ended = launched.ended.then((status) => this.#lost ?? status);
    return { ...launched, ended };
  }

  /** As {@linkcode NodeRun.kill}. */
  async kill(pid: Pid, how: Termination): Promise<boolean> {
    return await this.#node?.kill(pid, how) ?? false;
  }

  /** As {@linkcode NodeRun.runs}. */
  async runs(pid: Pid): Promise<boolean> {
    return await this.#node?.runs(pid) ?? false;
  }

  /**
   * Launches nothing more, and ends all processes as `how` says; their ends are reported. Called again, it
   * can only shorten the grace.
   */
  stop(how: Termination): void {
    this.#ending.abort();
    // Its program may still be arriving: there may be a folder, but no `NodeRun` yet.
    if (this.#node === undefined) this.#link?.drop();
    void this.#node?.stop(how);
  }

  /** The bridge is gone, and there is nobody to report to: the run ends here. */
  bridgeGone(): void {
    this.#link?.drop(new LinkError("the master has lost it"));
  }

  /** As {@linkcode stop}; also sends all remaining events, and removes the files of the run. */
  async close(how: Termination = KILL): Promise<void> {
    await this.#end(how);
    await this.#link?.done();
  }

  /** As {@linkcode close}, but without reports, since the master is gone. */
  async drop(how: Termination): Promise<void> {
    this.#link?.drop();
    await this.#end(how);
  }

  async #prepared(fn: string | null): Promise<Prepared> {
    const { signal } = this.#ending;
    let preparing: Promise<Prepared> | undefined;
    try {
      if (signal.aborted) throw new Error("the run is ending");
      preparing = this.#preparing ??= this.#prepare();
      return await preparing;
    } catch (cause) {
      // What it lacks now it may have at the next attempt.
      if (this.#preparing === preparing && !signal.aborted) this.#preparing = undefined;
      const { address } = this.#context;
      const what = cannotStart({ function: fn });
      const fault = signal.aborted ? undefined : whatItLacks(cause);
      if (fault !== undefined) {
        const ofProgram = cause instanceof UnfitError;
        throw new NodeFaultError(what, address, fault, { cause, ofProgram });
      }
      const why = signal.aborted ? "the run is ending" : messageOf(cause);
      const reason = signal.aborted ? "lost" : "not-started";
      throw new SpawnError(reason, `${what} on node ${address}: ${why}`, { cause });
    }
  }

  async #connect(): Promise<RunLink> {
    const { run, bridge } = this.#opened;
    const { address, credential, liveness } = this.#context;
    return this.#link = await RunLink.open({
      run,
      bridge,
      node: address,
      credential,
      liveness,
      signal: this.#ending.signal,
      changed: (reason) => this.#reconnects(reason),
    });
  }

  async #prepare(): Promise<Prepared> {
    const { run, key } = this.#opened;
    const { host, ip, address, credential, liveness, logger, maxSpares, ports, enforcement } =
      this.#context;
    const { cap, user, store } = this.#context;
    const { mostBytes } = this.#files;
    const countsFiles = mostBytes !== undefined;
    const { protection } = credential;
    const ownProtection = new ChannelProtection({ key, protection });
    const { signal } = this.#ending;
    const link = this.#link?.over === false ? this.#link : await this.#connect();
    try {
      const spec = decodeRunSpec(await link.spec);
      checkLimits(spec, cap);
      const folder = await this.#files.fetch({ spec, by: link.by }, link.fetch, signal);
      signal.throwIfAborted();
      const { wills } = folder;
      const node = new NodeRun({
        program: runProgram(spec, folder.path, thisRuntime(), { cap, user, countsFiles }),
        disk: mostBytes === undefined
          ? undefined
          : { folders: () => folder.where(), mostBytes, share: this.#files.share },
        ...ip === undefined ? {} : { ip },
        peerHosts: this.#opened.hosts,
        hostname: host,
        reachable: true,
        key,
        protection,
        node: address,
        willFolder: willFolder(logger),
        otherWills: wills === undefined ? undefined : { folder: wills, taken: store.takenWills! },
        patience: liveness?.patience,
        unreached: (from, to, why) => this.#unreached?.({ run, from, to, why }),
        maxSpares,
        ports,
        enforcement,
        boots: this.#boots,
        inspection: spec.inspection,
        master: this.#master,
        sink: (event) => this.#tell(link, event),
        does: (seen) => link.does(seen),
        logger,
        startTimer,
        deliverWill: async (will, context) => {
          const { deliverWill } = await import("../channel/will.ts");
          const log = (line: string) => logger.about("programs here", line);
          await deliverWill(will, {
            ...{ ...context, protection: ownProtection },
            ...{ patience: liveness?.patience, log },
          });
        },
      });
      this.#node = node;
      link.waits = () => node.waits();
      link.usage = () => node.usage();
      link.samples = () => node.samples();
      link.inspect = (pid, id) => void this.#inspect(node.inspectorPort(pid), id);
      void link.ended.then((reason) => this.#broken(reason));
      return { node, link };
    } catch (error) {
      if (signal.aborted) link.drop();
      await this.#files.remove();
      throw error;
    }
  }

  /** Connects the inspector on that port to the bridge. */
  async #inspect(port: number | undefined, id: string): Promise<void> {
    const { run, bridge } = this.#opened;
    const { credential, liveness, logger } = this.#context;
    const { signal } = this.#ending;
    try {
      const { relayInspector } = await import("./inspector_relay.ts");
      await relayInspector(port, { bridge, id, credential, liveness, signal });
    } catch (error) {
      if (signal.aborted) return;
      logger.info(`cannot connect a debugger to a process of run ${run}: ${messageOf(error)}`);
    }
  }

  async #tell(link: RunLink, event: RunEvent): Promise<void> {
    this.#context.report?.(this.#opened.run, event);
    await link.tell(event);
  }

  /** The connection to the bridge has ended, for that reason; `undefined`: there is another one. */
  #reconnects(reason: Error | undefined): void {
    const { logger } = this.#context;
    const { run } = this.#opened;
    if (reason === undefined) return logger.info(`reconnected to the bridge of run ${run}`);
    logger.info(`reconnecting to the bridge of run ${run}: ${reason.message}`);
  }

  #broken(reason: Error): void {
    if (this.#ended !== undefined) return;
    const { run } = this.#opened;
    const { address } = this.#context;
    this.#lost = { lost: `node ${address} has lost the bridge: ${reason.message}` };
    this.#context.logger.info(`ending run ${run} on this node: lost its bridge: ${reason.message}`);
    void this.#end(howToEnd({ kind: "bridge-gone" }));
  }

  #end(how: Termination): Promise<void> {
    this.stop(how);
    return this.#ended ??= this.#leave();
  }

  /** Resolves when all processes are gone and the files of the run are removed. */
  async #leave(): Promise<void> {
    await this.#preparing?.catch(() => {}); // the caller of launch() gets the error
    try {
      await this.#node?.stopped;
    } finally {
      await this.#files.remove();
    }
  }
}

/** What this node lacks, and what to do, if that is why a run could not be prepared. */
function whatItLacks(cause: unknown): string | undefined {
  // A file system that does not take the names of the files is one that the program does not fit.
  const isName = cause instanceof StoreError && cause.cause instanceof Deno.errors.AlreadyExists;
  if (isName) return undefined;
  if (
    cause instanceof StoreError || cause instanceof ConnectError || cause instanceof UnfitError
  ) return cause.message;
  return faultOf(cause);
}
