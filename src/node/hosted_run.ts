/** One run on a node of a cluster: fetches its program, hosts its processes, and cleans up. */

import { messageOf, SpawnError } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { Logger } from "../core/logger.ts";
import type { Pid } from "../core/pid.ts";
import type { PortRange } from "../core/port_range.ts";
import type { Resources } from "../core/resources.ts";
import type { CarriedArg, Launched, MasterPort, SpawnRequest } from "../core/roles.ts";
import { howToEnd } from "../core/run_end.ts";
import type { Pack } from "../core/tree.ts";
import { KILL, type Termination } from "../core/signals.ts";
import { startTimer } from "../core/timer.ts";
import type { RunFolder } from "../store/run_folder.ts";
import { decodeRunSpec, manifestsOf, type RunSpec } from "../wire/run_spec.ts";
import type { Store, StoredFiles } from "../store/store.ts";
import type { DialOptions } from "../net/connect.ts";
import type { Credential } from "../net/handshake.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { FetchedArgs } from "./fetched_args.ts";
import type { HeldArgs } from "./held_args.ts";
import { NodeRun } from "./node_run.ts";
import { RunLink } from "./run_link.ts";
import { runProgram, thisRuntime, writeSettings } from "../host/run_program.ts";
import { willFolder } from "../host/will_store.ts";

/** The node, as the runs that it hosts see it. */
export interface NodeContext {
  /** The host that the node and its processes bind. */
  readonly host: string;
  /** Its address; also distinguishes it from other nodes that share its store. */
  readonly address: string;
  readonly port: number;
  /** What the node lends where its master does not say. */
  readonly machine: Readonly<Resources>;
  readonly credential: Credential;
  readonly tls?: DialOptions["tls"];
  readonly store: Store;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  readonly logger: Logger;
  /** How many booted processes of a run may wait to be spawned. */
  readonly maxSpares: number;
  /** The ports that processes may listen on. @default any */
  readonly ports?: PortRange | undefined;
  /** Called at each process's start and end. */
  readonly report?: (run: string, event: RunEvent) => void;
}

/** What a master tells a node about a run. */
export interface OpenedRun {
  readonly run: string;
  readonly key: Uint8Array<ArrayBuffer>;
  readonly bridge: string;
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
  readonly #ending = new AbortController();
  #files: StoredFiles | undefined;
  #preparing: Promise<Prepared> | undefined;
  #link: RunLink | undefined;
  #node: NodeRun | undefined;
  #folder: RunFolder | undefined;
  #ended: Promise<void> | undefined;

  /** `held` are the arguments that the node holds for others. */
  constructor(
    opened: OpenedRun,
    context: NodeContext,
    { master, held }: { master: MasterPort; held: HeldArgs },
  ) {
    this.#opened = opened;
    this.#context = context;
    this.#master = master;
    const { credential, tls, liveness } = context;
    this.#args = new FetchedArgs({ held, credential, tls, liveness, signal: this.#ending.signal });
  }

  /**
   * As {@linkcode NodeRun.needs}, once the program has arrived. @throws {SpawnError} If it does not arrive.
   */
  async needs(): Promise<Resources> {
    const { node } = await this.#prepared(null);
    return await node.needs();
  }

  /**
   * Starts a process, once the program has arrived.
   *
   * @throws {SpawnError} `not-started`, or `lost` if the run is ending.
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
    return launched;
  }

  /** As {@linkcode NodeRun.kill}. */
  async kill(pid: Pid, how: Termination): Promise<boolean> {
    return await this.#node?.kill(pid, how) ?? false;
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
    try {
      if (this.#ending.signal.aborted) throw new Error("the run is ending");
      return await (this.#preparing ??= this.#prepare());
    } catch (cause) {
      const ending = this.#ending.signal.aborted;
      const what = fn === null ? "the first process" : `${fn}()`;
      const why = ending ? "the run is ending" : cause instanceof Error ? cause.message : cause;
      throw new SpawnError(
        ending ? "lost" : "not-started",
        `Cannot start ${what} on node ${this.#context.address}: ${why}`,
        { cause },
      );
    }
  }

  async #prepare(): Promise<Prepared> {
    const { run, key, bridge } = this.#opened;
    const { host, address, credential, tls, liveness, logger, maxSpares, ports } = this.#context;
    const { signal } = this.#ending;
    const link = await RunLink.open({
      run,
      bridge,
      node: address,
      credential,
      tls,
      liveness,
      signal,
    });
    this.#link = link;
    try {
      const spec = decodeRunSpec(await link.spec);
      const folder = await this.#fill(spec, link);
      signal.throwIfAborted();
      const node = new NodeRun({
        program: runProgram(spec, folder, thisRuntime()),
        hostname: host,
        reachable: true,
        key,
        node: address,
        willFolder: willFolder(logger),
        maxSpares,
        ports,
        master: this.#master,
        sink: (event) => this.#tell(link, event),
        logger,
        startTimer,
        deliverWill: async (will, context) => {
          const { deliverWill } = await import("../channel/will.ts");
          await deliverWill(will, { ...context, log: (line) => logger.warn(line) });
        },
      });
      this.#node = node;
      link.waits = () => node.waits();
      void link.ended.then((reason) => this.#broken(reason));
      return { node, link };
    } catch (error) {
      link.drop();
      await this.#remove();
      throw error;
    }
  }

  /** Fetches the program's files, and puts them into the folder of the run. */
  async #fill(spec: RunSpec, link: RunLink): Promise<string> {
    const { store, port } = this.#context;
    const { signal } = this.#ending;
    const files = await store.ensure(manifestsOf(spec), link.fetch, signal);
    this.#files = files;
    const folder = this.#folder = await store.runFolder(`${this.#opened.run}-${port}`);
    const { main, cwd, runtime, tree } = spec;
    const [mainPath, ...paths] = files.paths;
    const contents = (_: Pack, index: number) => Promise.resolve({ path: paths[index]! });
    await folder.mirror(tree, { cwd, contents, signal });
    await folder.link(mainPath!, main);
    if (runtime !== undefined) await folder.link(paths.at(-1)!, runtime.name);
    await writeSettings(spec, folder.path);
    return folder.path;
  }

  async #tell(link: RunLink, event: RunEvent): Promise<void> {
    if (event.event === "spawn" || event.event === "exit") {
      this.#context.report?.(this.#opened.run, event);
    }
    await link.tell(event);
  }

  #broken(reason: Error): void {
    if (this.#ended !== undefined) return;
    const { run } = this.#opened;
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
    await this.#node?.stopped;
    await this.#remove();
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
