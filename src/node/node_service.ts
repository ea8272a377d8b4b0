/** A node of a cluster: accepts a master, and hosts processes for it as long as it is connected. */

import { hostOf } from "../core/address.ts";
import { messageOf, ProtocolError, SpawnError } from "../core/errors.ts";
import { randomId } from "../core/pid.ts";
import { NodeFaultError } from "../core/node_fault.ts";
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
import { Boots } from "../host/boots.ts";
import { PersonDisks } from "../host/person_disk.ts";
import { HeldArgs } from "./held_args.ts";
import { type LaunchOutcomes, SessionOutcomes } from "./launch_outcomes.ts";
import { HostedRun } from "./hosted_run.ts";
import type { NodeContext } from "./node_context.ts";
import { UnreachedNotice } from "./unreached_notice.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import {
  masterLost,
  type MasterQuestions,
  masterQuestions,
  RemoteMaster,
} from "./remote_master.ts";
import type { Transport } from "../net/transport.ts";

type MasterLink = MessageLink<NodeToMaster, MasterToNode>;

/** How long a refused master may take to close the connection. */
const REFUSED_MS = 2_000;

/** Accepts one master at a time. */
export class NodeService {
  readonly #context: NodeContext;
  readonly #sessions = new Set<MasterSession>();
  readonly #held: HeldArgs;
  readonly #boots = new Boots();
  readonly #persons: PersonDisks | undefined;
  readonly #unreached = new UnreachedNotice();
  /** Those of earlier masters, too: a master that lost this node asks on its next connection. */
  readonly #outcomes = new SessionOutcomes();
  /** Tells a master whether this is the node that it had before, or another one at the same address. */
  readonly #id = randomId();
  #stopping = false;

  constructor(context: NodeContext) {
    this.#context = context;
    const { mostPersonBytes } = context;
    this.#persons = mostPersonBytes === undefined ? undefined : new PersonDisks(mostPersonBytes);
    this.#held = new HeldArgs(context.address, context.liveness);
  }

  /** Accepts the connection of a master; refuses it if there already is one. */
  acceptMaster(conn: Transport, remote: string): void {
    const link: MasterLink = new MessageLink(conn, {
      schema: MASTER_TO_NODE,
      liveness: this.#context.liveness,
      // It ends its processes before the master gives up.
      works: true,
    });
    void this.#serve(link, remote);
  }

  /** Accepts the connection of a node that fetches an argument. */
  acceptFetch(conn: Transport, remote: string): void {
    void this.#held.serve(conn).catch((error) => {
      this.#context.logger.about(
        hostOf(remote),
        `Cannot send an argument to ${remote}: ${messageOf(error)}`,
      );
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
      logger.about(hostOf(remote), `dropped the master ${remote}: "${adopt.type}" before "adopt"`);
      return link.drop();
    }
    const present = this.#sessions.values().find((session) => !session.over);
    if (this.#stopping || present !== undefined) {
      const why = present === undefined
        ? "the node is ending"
        : `the node already has a master, connected from ${present.remote}`;
      logger.about(hostOf(remote), `refused the master ${remote}: ${why}`);
      void link.send({ type: "refused", why });
      // The master closes the connection: closed here, the answer could be lost on its way.
      const timer = setTimeout(() => link.drop(), REFUSED_MS);
      while (!(await messages.next()).done);
      return clearTimeout(timer);
    }
    const outcomes = { all: this.#outcomes, own: this.#outcomes.begin(adopt.session) };
    const session = new MasterSession(link, remote, this.#context, outcomes, {
      held: this.#held,
      boots: this.#boots,
      persons: this.#persons,
      unreached: (attempt) => {
        const line = this.#unreached.line(attempt, performance.now());
        if (line !== undefined) logger.warn(line);
      },
    });
    const earlier = Array.from(this.#sessions, ({ gone }) => gone);
    this.#sessions.add(session);
    // The resources of an earlier master are not free yet, and it may have opened the same run.
    await Promise.all(earlier);
    const resources = adopt.resources ?? this.#context.machine;
    void link.send({ type: "adopted", resources, fabric: this.#id });
    logger.info(`the master connected from ${remote}`);
    await session.serve(messages);
    this.#sessions.delete(session);
  }
}

/** What all runs on the node share. */
type SharedByRuns = Omit<ConstructorParameters<typeof HostedRun>[2], "master">;

/** The outcomes of launches: of all connections, and of one. */
interface Outcomes {
  readonly all: SessionOutcomes;
  readonly own: LaunchOutcomes;
}

/** A node's link to its master. The processes end with it. */
class MasterSession {
  /** The address that the master connected from. */
  readonly remote: string;
  /** Resolves when the master and all processes that were hosted for it are gone. */
  readonly gone: Promise<void>;
  readonly #link: MasterLink;
  readonly #context: NodeContext;
  readonly #shared: SharedByRuns;
  readonly #questions: MasterQuestions;
  readonly #outcomes: Outcomes;
  readonly #runs = new Map<string, HostedRun>();
  readonly #gone = Promise.withResolvers<void>();
  #leaving = false;

  constructor(
    link: MasterLink,
    remote: string,
    context: NodeContext,
    outcomes: Outcomes,
    shared: SharedByRuns,
  ) {
    this.#outcomes = outcomes;
    this.#shared = shared;
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
      logger.about(hostOf(this.remote), `dropped the master: ${error.message}`);
    }
    this.#link.drop();
    const reason = await this.#link.ended;
    // One that comes and goes causes a line each time.
    if (!this.#leaving) logger.about(hostOf(this.remote), `lost the master: ${reason.message}`);
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
        const master = new RemoteMaster(run, this.#questions, this.#shared.held);
        this.#runs.set(run, new HostedRun(message, this.#context, { master, ...this.#shared }));
        return;
      }
      case "try":
        return void this.#answer(message.request, () => this.#try(message.run, message.request));
      case "launch": {
        const launching = this.#launch(message);
        this.#outcomes.own.add(message.request, launching);
        return void this.#answer(message.request, () => launching);
      }
      case "recall":
        return void this.#answer(message.request, async () => {
          const { request, session, launch } = message;
          const started = await this.#outcomes.all.of(session, launch);
          this.#send({ type: "recalled", request, started });
        });
      case "kill":
        return void this.#answer(message.request, async () => {
          const ran = await this.#run(message.run).kill(message.pid, message);
          this.#send({ type: "killed", request: message.request, ran });
        });
      case "probe":
        return void this.#answer(message.request, async () => {
          const runs = await this.#run(message.run).runs(message.pid);
          this.#send({ type: "probed", request: message.request, runs });
        });
      case "stop":
        return this.#runs.get(message.run)?.stop(message);
      case "bridge-gone":
        return this.#runs.get(message.run)?.bridgeGone();
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
      if (error instanceof NodeFaultError) {
        const { why, ofProgram } = error;
        return this.#send({ type: "cannot", request, why, ...ofProgram && { ofProgram } });
      }
      this.#send(failedMessage(request, error));
    }
  }
}

function requestOf(
  { parent, function: fn, name, arg, resources, cwd, env, permissions }: Omit<
    SpawnFields,
    "request" | "run"
  >,
): SpawnRequest<CarriedArg> {
  const request = { parent, function: fn, name, arg, resources, cwd, env };
  return permissions === undefined ? request : { ...request, permissions };
}
