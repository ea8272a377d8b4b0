/** A node of a cluster: accepts a master, and hosts processes for it as long as it is connected. */

import { messageOf, SpawnError } from "../core/errors.ts";
import type { CarriedArg, SpawnRequest } from "../core/roles.ts";
import { howToEnd } from "../core/run_end.ts";
import type { Termination } from "../core/signals.ts";
import { failedMessage } from "../wire/control.ts";
import { LinkError, MessageLink } from "../net/message_link.ts";
import {
  MASTER_TO_NODE,
  type MasterToNode,
  type NodeToMaster,
  type SpawnFields,
} from "../wire/node_messages.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { HeldArgs } from "./held_args.ts";
import { HostedRun, type NodeContext } from "./hosted_run.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import {
  masterLost,
  type MasterQuestions,
  masterQuestions,
  RemoteMaster,
} from "./remote_master.ts";

type MasterLink = MessageLink<NodeToMaster, MasterToNode>;

/** How long a refused master may take to close the connection. */
const REFUSED_MS = 2_000;

/** Accepts one master at a time. */
export class NodeService {
  readonly #context: NodeContext;
  readonly #sessions = new Set<MasterSession>();
  readonly #held: HeldArgs;
  #stopping = false;

  constructor(context: NodeContext) {
    this.#context = context;
    this.#held = new HeldArgs(context.address, context.liveness);
  }

  /** Accepts the connection of a master; refuses it if there already is one. */
  acceptMaster(conn: Deno.Conn, remote: string): void {
    const link: MasterLink = new MessageLink(conn, {
      schema: MASTER_TO_NODE,
      liveness: this.#context.liveness,
      // It ends its processes before the master gives up.
      works: true,
    });
    void this.#serve(link, remote);
  }

  /** Accepts the connection of a node that fetches an argument. */
  acceptFetch(conn: Deno.Conn, remote: string): void {
    void this.#held.serve(conn).catch((error) => {
      this.#context.logger.error(`Cannot send an argument to ${remote}: ${messageOf(error)}`);
    });
  }

  /** Accepts nothing more, and ends its processes as `how` says; resolves when they are gone and reported. */
  async stop(how: Termination): Promise<void> {
    this.#stopping = true;
    await Promise.all(Array.from(this.#sessions, (session) => session.stop(how)));
  }

  async #serve(link: MasterLink, remote: string): Promise<void> {
    const { logger } = this.#context;
    const messages = link.messages();
    const { value: adopt } = await messages.next();
    if (adopt === undefined) return;
    if (adopt.type !== "adopt") {
      logger.warn(`dropped the master ${remote}: "${adopt.type}" before "adopt"`);
      return link.drop();
    }
    const present = this.#sessions.values().find((session) => !session.over);
    if (this.#stopping || present !== undefined) {
      const why = present === undefined
        ? "the node is ending"
        : `the node already has a master, connected from ${present.remote}`;
      logger.warn(`refused the master ${remote}: ${why}`);
      void link.send({ type: "refused", why });
      // The master closes the connection: closed here, the answer could be lost on its way.
      const timer = setTimeout(() => link.drop(), REFUSED_MS);
      while (!(await messages.next()).done);
      return clearTimeout(timer);
    }
    const session = new MasterSession(link, remote, this.#context, this.#held);
    const earlier = Array.from(this.#sessions, ({ gone }) => gone);
    this.#sessions.add(session);
    // The resources of an earlier master are not free yet, and it may have opened the same run.
    await Promise.all(earlier);
    const resources = adopt.resources ?? this.#context.machine;
    void link.send({ type: "adopted", resources });
    logger.info(`the master connected from ${remote}`);
    await session.serve(messages);
    this.#sessions.delete(session);
  }
}

/** A node's link to its master. The processes end with it. */
class MasterSession {
  /** The address that the master connected from. */
  readonly remote: string;
  /** Resolves when the master and all processes that were hosted for it are gone. */
  readonly gone: Promise<void>;
  readonly #link: MasterLink;
  readonly #context: NodeContext;
  readonly #held: HeldArgs;
  readonly #questions: MasterQuestions;
  readonly #runs = new Map<string, HostedRun>();
  readonly #gone = Promise.withResolvers<void>();
  #leaving = false;

  constructor(link: MasterLink, remote: string, context: NodeContext, held: HeldArgs) {
    this.#held = held;
    this.remote = remote;
    this.gone = this.#gone.promise;
    this.#link = link;
    this.#context = context;
    this.#questions = masterQuestions((message) => this.#send(message));
  }

  /** Whether the master is gone. */
  get over(): boolean {
    return this.#link.over;
  }

  /** Serves the master until it is gone; resolves when all processes hosted for it are gone, too. */
  async serve(messages: AsyncIterable<MasterToNode>): Promise<void> {
    const { logger } = this.#context;
    try {
      for await (const message of messages) this.#take(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      logger.warn(`dropped the master: ${error.message}`);
    }
    this.#link.drop();
    const reason = await this.#link.ended;
    if (!this.#leaving) logger.warn(`lost the master: ${reason.message}`);
    const silent = reason instanceof LinkError && reason.isSilence;
    await this.#end(howToEnd({ kind: "master-gone", silent }));
    this.#gone.resolve();
  }

  /** Ends all processes as `how` says, reports it, and leaves the master. */
  async stop(how: Termination): Promise<void> {
    this.#leaving = true;
    this.#send({ type: "leaving" });
    await Promise.all(Array.from(this.#runs.values(), (run) => run.close(how)));
    await this.#link.close();
  }

  /** There is no master left to report to. */
  async #end(how: Termination): Promise<void> {
    this.#questions.end(masterLost());
    await Promise.all(Array.from(this.#runs.values(), (run) => run.drop(how)));
  }

  #send(message: NodeToMaster): void {
    void this.#link.send(message);
  }

  #take(message: MasterToNode): void {
    switch (message.type) {
      case "adopt":
        throw new ProtocolError(`"adopt" out of order`);
      case "open": {
        const { run } = message;
        if (this.#runs.has(run)) throw new ProtocolError(`it opened run ${run} twice`);
        const master = new RemoteMaster(run, this.#questions, this.#held);
        this.#runs.set(run, new HostedRun(message, this.#context, { master, held: this.#held }));
        return;
      }
      case "try":
        return void this.#answer(message.request, () => this.#try(message.run, message.request));
      case "launch":
        return void this.#answer(message.request, () => this.#launch(message));
      case "kill":
        return void this.#answer(message.request, async () => {
          const ran = await this.#run(message.run).kill(message.pid, message);
          this.#send({ type: "killed", request: message.request, ran });
        });
      case "stop":
        return this.#runs.get(message.run)?.stop(message);
      case "close": {
        const run = this.#runs.get(message.run);
        this.#runs.delete(message.run);
        void run?.close();
        return;
      }
      default:
        return this.#questions.answer(message);
    }
  }

  async #launch({ run: id, request, ...fields }: SpawnFields): Promise<void> {
    const run = this.#run(id);
    const { pid, ended } = await run.launch(requestOf(fields));
    this.#send({ type: "launched", request, pid });
    void ended.then((status) => this.#send({ type: "exited", run: id, pid, status }));
  }

  async #try(id: string, request: number): Promise<void> {
    try {
      const resources = await this.#run(id).needs();
      this.#send({ type: "needs", request, resources });
    } catch (error) {
      if (!(error instanceof TrialBootError)) throw error;
      this.#send({ type: "unfit", request, why: error.message, output: error.written() });
    }
  }

  #run(id: string): HostedRun {
    const run = this.#runs.get(id);
    if (run === undefined) {
      throw new SpawnError("lost", `Cannot start a process: this node has no run ${id}`);
    }
    return run;
  }

  async #answer(request: number, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#send(failedMessage(request, error));
    }
  }
}

function requestOf(
  { parent, function: fn, name, arg, resources, cwd, env }: Omit<SpawnFields, "request" | "run">,
): SpawnRequest<CarriedArg> {
  return { parent, function: fn, name, arg, resources, cwd, env };
}
