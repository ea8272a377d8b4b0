/** Answers the requests that a node makes on behalf of its processes while it is connected. */

import { ProtocolError, SpawnError } from "../core/errors.ts";
import { inSlices } from "../core/in_slices.ts";
import { failedMessage } from "../wire/control.ts";
import type { MasterToNode, NodeToMaster, SpawnFields } from "../wire/node_messages.ts";
import type { CarriedArg, SpawnRequest } from "../core/roles.ts";
import type { ClusterRun } from "./cluster_run.ts";
import type { NodeConnection, RemoteNode } from "./remote_node.ts";

/** The session with one node. */
export class NodeSession {
  readonly #node: RemoteNode;
  readonly #link: NodeConnection;
  readonly #runs: ReadonlyMap<string, ClusterRun>;
  readonly #leaving: () => void;
  readonly #spawns = new Map<number, AbortController>();

  /** `leaving` is called when the node wants no more processes. */
  constructor(
    node: RemoteNode,
    link: NodeConnection,
    runs: ReadonlyMap<string, ClusterRun>,
    leaving: () => void,
  ) {
    this.#leaving = leaving;
    this.#node = node;
    this.#link = link;
    this.#runs = runs;
  }

  /** Handles the node's messages until the connection ends. */
  async serve(messages: AsyncIterable<NodeToMaster>): Promise<void> {
    for await (const message of messages) {
      if (!this.#node.take(message)) this.#answer(message);
    }
  }

  /** The node is lost: cancels the spawns that its processes wait for. */
  end(): void {
    inSlices(this.#spawns.values(), (spawn) => spawn.abort());
  }

  #answer(message: NodeToMaster): void {
    switch (message.type) {
      case "spawn": {
        const { request, wait } = message;
        const aborting = new AbortController();
        this.#spawns.set(request, aborting);
        void this.#reply(request, message.run, async (run) => {
          try {
            const pid = await run.spawn(requestOf(message), { wait, signal: aborting.signal });
            return { type: "spawned", request, pid };
          } finally {
            this.#spawns.delete(request);
          }
        });
        return;
      }
      case "leaving":
        return this.#leaving();
      case "cancel":
        this.#spawns.get(message.request)?.abort();
        return;
      case "wait": {
        const { request, pid } = message;
        void this.#reply(request, message.run, async (run) => {
          return { type: "ended", request, status: await run.wait(pid) };
        });
        return;
      }
      case "probe": {
        const { request, pid } = message;
        void this.#reply(request, message.run, async (run) => {
          return { type: "probed", request, runs: await run.runs(pid) };
        });
        return;
      }
      case "kill": {
        const { request, pid, signal, graceMs, descendants } = message;
        void this.#reply(request, message.run, async (run) => {
          const pids = await run.kill(pid, { signal, graceMs, descendants });
          return { type: "killed", request, pids };
        });
        return;
      }
      default:
        throw new ProtocolError(`"${message.type}" out of order`);
    }
  }

  async #reply(
    request: number,
    id: string,
    act: (run: ClusterRun) => Promise<MasterToNode>,
  ): Promise<void> {
    try {
      const run = this.#runs.get(id);
      if (run === undefined) {
        throw new SpawnError("lost", "Cannot serve the request: the run has ended");
      }
      void this.#link.send(await act(run));
    } catch (error) {
      void this.#link.send(failedMessage(request, error));
    }
  }
}

/** The parts of a spawn that are the same in both directions. */
function requestOf(
  { parent, function: fn, name, arg, resources, cwd, env, permissions }: SpawnFields,
): SpawnRequest<CarriedArg> {
  const request = { parent, function: fn, name, arg, resources, cwd, env };
  return permissions === undefined ? request : { ...request, permissions };
}
