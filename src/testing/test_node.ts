/** A node of a test's cluster, and the faults of its machine. */

import type { FabricProcess } from "./fabric_process.ts";
import { canListProcesses, descendantsOf, signalProcess } from "./os_processes.ts";

/** What a node needs of its cluster. */
export interface NodeSite {
  /** Starts the node's fabric on its address. */
  start(): FabricProcess;
  /** Resolves when the master has the node, by a line that it writes at or after that index. */
  adopted(from: number): Promise<void>;
  /** The index of the master's next line. */
  masterLine(): number;
}

/**
 * One node of a {@linkcode TestCluster}, with all the processes that it hosts, as one machine would have
 * them. Node 0 is the master's and the bridge's, too, and takes no faults.
 */
export class TestNode {
  /** Its place in {@linkcode TestCluster.nodes}. */
  readonly index: number;
  /** Its address, as the `node` of processes has it: `127.0.0.1:40001`. */
  readonly address: string;
  readonly #site: NodeSite | undefined;
  #fabric: FabricProcess;
  #state: "running" | "frozen" | "killed" = "running";
  #wasKilled = false;

  /** Use `TestCluster.node()` instead. */
  constructor(
    index: number,
    address: string,
    fabric: FabricProcess,
    site: NodeSite | undefined,
  ) {
    this.index = index;
    this.address = address;
    this.#fabric = fabric;
    this.#site = site;
  }

  /** What was done to it last. A node that is `running` may still be unknown to the master. */
  get state(): "running" | "frozen" | "killed" {
    return this.#state;
  }

  /** Whether it was ever killed: then it could not clean up. */
  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  /**
   * Kills the node and all that it hosts, by SIGKILL, as when its machine loses power; but its connections
   * break at once. Resolves when the node is gone. Nothing happens if it is killed already.
   *
   * @throws {Error} For node 0, and where the system is not Linux.
   */
  async kill(): Promise<void> {
    this.#siteFor("kill");
    if (this.#state === "killed") return;
    this.#state = "killed";
    this.#wasKilled = true;
    const ids = await this.#stopAll();
    for (const id of ids) signalProcess(id, "SIGKILL");
    await this.#fabric.ended;
  }

  /**
   * Stops the node and all that it hosts, by SIGSTOP, as when its machine hangs: connections stay, and
   * nothing answers. The master declares it lost after 10 s of silence. Nothing happens if it is frozen already.
   *
   * @throws {Error} For node 0, for one that is killed, and where the system is not Linux.
   */
  async freeze(): Promise<void> {
    this.#siteFor("freeze");
    if (this.#state === "killed") {
      throw new Error(`Cannot freeze node ${this.index}: it is killed; restart() it before`);
    }
    if (this.#state === "frozen") return;
    this.#state = "frozen";
    await this.#stopAll();
  }

  /**
   * Lets a frozen node go on, by SIGCONT. If the master has declared it lost, its processes end, and the
   * master takes the node back a little later. Nothing happens if it is not frozen.
   */
  async thaw(): Promise<void> {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    const ids = [this.#fabric.pid, ...(await descendantsOf(this.#fabric.pid)).map(({ id }) => id)];
    for (const id of ids) signalProcess(id, "SIGCONT");
  }

  /**
   * Starts the node again on its address, having killed it if it is not killed. Resolves when the master has
   * taken it back, empty.
   *
   * @throws {Error} For node 0, or if the master has not taken it back within 60 s.
   */
  async restart(): Promise<void> {
    const site = this.#siteFor("restart");
    await this.kill();
    const from = site.masterLine();
    this.#fabric = site.start();
    this.#state = "running";
    await this.#fabric.ready("node");
    await site.adopted(from);
  }

  /** Ends it with its cluster. @returns Whether it ended in order. */
  async stop(): Promise<boolean> {
    await this.thaw();
    return await this.#fabric.stop();
  }

  #siteFor(what: string): NodeSite {
    if (this.#site === undefined) {
      throw new Error(`Cannot ${what} node 0: the master and the bridge run there`);
    }
    if (!canListProcesses) {
      throw new Error(`Cannot ${what} node ${this.index}: that needs the /proc of Linux`);
    }
    return this.#site;
  }

  /** Stops its processes, until none is left that could start another one. @returns Their ids. */
  async #stopAll(): Promise<number[]> {
    const stopped = new Set<number>();
    const stop = (id: number): void => {
      signalProcess(id, "SIGSTOP");
      stopped.add(id);
    };
    stop(this.#fabric.pid);
    for (;;) {
      const more = (await descendantsOf(this.#fabric.pid)).filter(({ id }) => !stopped.has(id));
      if (more.length === 0) return [...stopped];
      for (const { id } of more) stop(id);
    }
  }
}
