/** One run on a node of a cluster: fetches its program, hosts its processes, and cleans up. */

import { messageOf, SpawnError } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { EndStatus } from "../core/exit_status.ts";
import type { Logger } from "../core/logger.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import type { Pid } from "../core/pid.ts";
import type { Permissions } from "../core/permissions.ts";
import type { PortRange } from "../core/port_range.ts";
import { formatMem, type Resources } from "../core/resources.ts";
import type { CarriedArg, Launched, MasterPort, SpawnRequest } from "../core/roles.ts";
import { howToEnd } from "../core/run_end.ts";
import type { Pack } from "../core/tree.ts";
import { KILL, type Termination } from "../core/signals.ts";
import { startTimer } from "../core/timer.ts";
import type { RunFolder } from "../store/run_folder.ts";
import { decodeRunSpec, manifestsOf, type RunSpec } from "../wire/run_spec.ts";
import type { Store, StoredFiles } from "../store/store.ts";
import { StoreError } from "../store/store_error.ts";
import { ChannelProtection } from "../net/channel_protection.ts";
import { ConnectError } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { LinkError } from "../net/message_link.ts";
import { RunKey } from "../net/run_key.ts";
import { FetchedArgs } from "./fetched_args.ts";
import type { HeldArgs } from "./held_args.ts";
import { NodeRun } from "./node_run.ts";
import { RunLink } from "./run_link.ts";
import type { UnreachedProcess } from "./unreached_notice.ts";
import type { Boots } from "../host/boots.ts";
import type { Enforcement } from "../host/enforcement.ts";
import type { ProgramUser } from "../host/program_user.ts";
import { faultOf } from "../host/node_fault.ts";
import {
  checkLimits,
  LimitsError,
  runProgram,
  thisRuntime,
  writeSettings,
} from "../host/run_program.ts";
import { willFolder } from "../host/will_store.ts";

/** The node, as the runs that it hosts see it. */
export interface NodeContext {
  /** The host that the node and its processes bind. */
  readonly host: string;
  /** The IP address that this is. @default the host */
  readonly ip?: string;
  /** Its address; also distinguishes it from other nodes that share its store. */
  readonly address: string;
  readonly port: number;
  /** What the node lends where its master does not say. */
  readonly machine: Readonly<Resources>;
  readonly credential: Credential;
  readonly store: Store;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  readonly logger: Logger;
  /** How many booted processes of a run may wait to be spawned. */
  readonly maxSpares: number;
  /** The ports that processes may listen on. @default any */
  readonly ports?: PortRange | undefined;
  /** What holds processes to what they ask for. @default nothing */
  readonly enforcement?: Enforcement | undefined;
  /** What programs may do at most. @default everything */
  readonly cap?: Permissions | undefined;
  /** The user that programs run as, for whom the store has folders. @default that of this process */
  readonly user?: ProgramUser | undefined;
  /** How many bytes the files of each run may take here. @default any number */
  readonly mostRunBytes?: number | undefined;
  /** Called at each event of a process. */
  readonly report?: (run: string, event: RunEvent) => void;
}

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
  #files: StoredFiles | undefined;
  #preparing: Promise<Prepared> | undefined;
  /** The link to the bridge, which outlives attempts to get the files. */
  #link: RunLink | undefined;
  #node: NodeRun | undefined;
  #folder: RunFolder | undefined;
  #ended: Promise<void> | undefined;
  /** How its processes end once the bridge is lost for good. */
  #lost: EndStatus | undefined;

  constructor(
    opened: OpenedRun,
    context: NodeContext,
    { master, held, boots, unreached }: {
      master: MasterPort;
      /** The arguments that the node holds for others. */
      held: HeldArgs;
      /** The boots of all runs of the node. */
      boots: Boots;
      /** Called when a process has tried for a while to connect to one on another host, and cannot. */
      unreached?: ((attempt: UnreachedProcess) => void) | undefined;
    },
  ) {
    this.#boots = boots;
    this.#unreached = unreached;
    this.#opened = opened;
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
      const what = `Cannot start ${fn === null ? "the first process" : `${fn}()`}`;
      const fault = signal.aborted ? undefined : whatItLacks(cause);
      if (fault !== undefined) {
        const ofProgram = cause instanceof LimitsError;
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
    const { cap, user, store, mostRunBytes } = this.#context;
    const countsFiles = mostRunBytes !== undefined;
    const { protection } = credential;
    const ownProtection = new ChannelProtection({ key: new RunKey(key), protection });
    const { signal } = this.#ending;
    const link = this.#link?.over === false ? this.#link : await this.#connect();
    try {
      const spec = decodeRunSpec(await link.spec);
      checkLimits(spec, cap);
      const folder = await this.#fill(spec, link);
      signal.throwIfAborted();
      const { wills } = folder;
      const folders = wills === undefined ? [folder.path] : [folder.path, wills];
      const node = new NodeRun({
        program: runProgram(spec, folder.path, thisRuntime(), { cap, user, countsFiles }),
        disk: countsFiles ? { folders, mostBytes: mostRunBytes } : undefined,
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
      await this.#remove();
      throw error;
    }
  }

  /** Fetches the program's files, and puts them into the folder of the run. */
  async #fill(spec: RunSpec, link: RunLink): Promise<RunFolder> {
    const { store, port, user, mostRunBytes } = this.#context;
    const { signal } = this.#ending;
    const files = await store.ensure(manifestsOf(spec), link.fetch, signal);
    this.#files = files;
    const { main, cwd, runtime, tree } = spec;
    const bytes = manifestsOf(spec).reduce((sum, { size }) => sum + size, 0);
    if (mostRunBytes !== undefined && bytes > mostRunBytes) {
      throw new Error(
        `its files have ${formatMem(bytes)}, and a run may have ${
          formatMem(mostRunBytes)
        } here (fabric --run-disk)`,
      );
    }
    const name = `${this.#opened.run}-${port}`;
    const folder = this.#folder = await store.runFolder(name, bytes);
    const [mainPath, ...paths] = files.paths;
    const contents = (_: Pack, index: number) => Promise.resolve({ path: paths[index]! });
    await folder.mirror(tree, { cwd, contents, signal });
    await folder.place(mainPath!, main);
    if (runtime !== undefined) await folder.place(paths.at(-1)!, runtime.name);
    await writeSettings(spec, folder.path);
    await folder.complete({ hasTemporary: user !== undefined || mostRunBytes !== undefined });
    return folder;
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
    if (reason === undefined) return logger.info(`connected to the bridge of run ${run} again`);
    logger.info(`connecting to the bridge of run ${run} again: ${reason.message}`);
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
      await this.#remove();
    }
  }

  async #remove(): Promise<void> {
    const [files, folder] = [this.#files, this.#folder];
    this.#files = this.#folder = undefined;
    try {
      await folder?.[Symbol.asyncDispose]();
      await files?.release();
    } catch (error) {
      const why = messageOf(error);
      this.#context.logger.warn(`Cannot remove the files of run ${this.#opened.run}: ${why}`);
    }
  }
}

/** What this node lacks, and what to do, if that is why a run could not be prepared. */
function whatItLacks(cause: unknown): string | undefined {
  // A file system that does not take the names of the files is one that the program does not fit.
  const isName = cause instanceof StoreError && cause.cause instanceof Deno.errors.AlreadyExists;
  if (isName) return undefined;
  if (
    cause instanceof StoreError || cause instanceof ConnectError || cause instanceof LimitsError
  ) return cause.message;
  return faultOf(cause);
}
