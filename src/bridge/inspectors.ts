/**
 * Connects debuggers to inspectors of processes: the connection that deploy makes for a debugger, and the one that the
 * node of the process makes when it is asked to. Nodes listen for nothing.
 */

import { randomId } from "../core/pid.ts";
import { ProtocolError } from "../core/errors.ts";
import type { StartTimer } from "../core/timer.ts";
import type { Logger } from "../core/logger.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink, type Received } from "../net/message_link.ts";
import type { Transport } from "../net/transport.ts";
import {
  DEPLOY_TO_INSPECTOR,
  type DeployToInspector,
  type InspectorToDeploy,
  type InspectorToNode,
  MAX_RELAY_MESSAGE_BYTES,
  NODE_TO_INSPECTOR,
  type NodeToInspector,
} from "../wire/inspect_messages.ts";
import type { Schema } from "../wire/schema.ts";
import type { Attachment } from "./attachment.ts";
import { dropPeer } from "./serve_node.ts";

/** How long a node may take to connect an inspector. */
const ANSWER_MS = 30_000;

/** The most connections of one deploy to inspectors; a debugger has one to each process, and some short ones. */
const MAX_CONNECTIONS = 256;

type DebuggerLink = MessageLink<InspectorToDeploy, DeployToInspector>;
type NodeLink = MessageLink<InspectorToNode, NodeToInspector>;

/** What a node has made of a request. */
interface Answer {
  readonly link: NodeLink;
  /** What comes after its first message. */
  readonly messages: AsyncGenerator<Received<NodeToInspector>>;
  /** Why there is no inspector, if there is none. */
  readonly why: string | undefined;
}

export interface InspectorsOptions {
  /** Those who are shown runs, by their tokens. */
  readonly attachments: ReadonlyMap<string, Pick<Attachment, "inspected">>;
  readonly liveness: LivenessOptions;
  readonly logger: Logger;
  readonly startTimer: StartTimer;
}

export class Inspectors {
  readonly #options: InspectorsOptions;
  /** What nodes are asked for, by random ids. */
  readonly #asked = new Map<string, (answer: Answer | undefined) => void>();
  /** The connections of each deploy, by its token. */
  readonly #connections = new Map<string, number>();

  constructor(options: InspectorsOptions) {
    this.#options = options;
  }

  /** Serves a connection of deploy for a debugger, until it ends. */
  async serveDebugger(conn: Transport, remote: string): Promise<void> {
    const link: DebuggerLink = this.#linkTo(conn, DEPLOY_TO_INSPECTOR);
    await this.#take(link, { who: "a debugger", remote }, async (first, messages) => {
      if (first.type !== "inspect") throw outOfOrder(first);
      await this.#serve(link, first, messages);
    });
  }

  /** Takes a connection of a node that it was asked for. */
  async takeInspector(conn: Transport, remote: string): Promise<void> {
    const link: NodeLink = this.#linkTo(conn, NODE_TO_INSPECTOR);
    await this.#take(link, { who: "an inspector", remote }, (first, messages) => {
      if (first.type !== "inspector" && first.type !== "no-inspector") throw outOfOrder(first);
      const take = this.#asked.get(first.id);
      // It may have been too late.
      if (take === undefined) return link.drop();
      take({ link, messages, why: first.type === "inspector" ? undefined : first.why });
    });
  }

  #linkTo<Out extends { type: string }, In extends { type: string }>(
    conn: Transport,
    schema: Schema<In>,
  ): MessageLink<Out, In> {
    const { liveness } = this.#options;
    return new MessageLink(conn, { schema, liveness, maxBytes: MAX_RELAY_MESSAGE_BYTES });
  }

  /** Handles the first message of a link, if one comes. A peer that fails is dropped. */
  async #take<Out extends { type: string }, In extends { type: string }>(
    link: MessageLink<Out, In>,
    peer: { readonly who: string; readonly remote: string },
    handle: (first: In, messages: AsyncGenerator<Received<In>>) => Promise<void> | void,
  ): Promise<void> {
    try {
      const messages = link.received();
      const first = (await messages.next()).value?.message;
      if (first !== undefined) await handle(first, messages);
    } catch (error) {
      dropPeer(link, peer, error, this.#options.logger);
    }
  }

  async #serve(
    link: DebuggerLink,
    { token, pid }: Extract<DeployToInspector, { type: "inspect" }>,
    messages: AsyncGenerator<Received<DeployToInspector>>,
  ): Promise<void> {
    const count = (this.#connections.get(token) ?? 0) + 1;
    const run = this.#options.attachments.get(token)?.inspected;
    // The same for a token that is not known: only who has started a run may look into its processes.
    if (run === undefined) return await refuse(link, "it belongs to another deploy", messages);
    if (count > MAX_CONNECTIONS) {
      const why = `there are ${MAX_CONNECTIONS} connections to inspectors of the run already`;
      return await refuse(link, why, messages);
    }
    this.#connections.set(token, count);
    try {
      const answer = await this.#ask((id) => run.inspect(pid, id));
      if (typeof answer === "string") return await refuse(link, answer, messages);
      void link.send({ type: "attached" });
      await Promise.all([
        pass(messages, link, answer.link),
        pass(answer.messages, answer.link, link),
      ]);
    } finally {
      const left = this.#connections.get(token)! - 1;
      if (left > 0) this.#connections.set(token, left);
      else this.#connections.delete(token);
    }
  }

  /** The connection to the inspector, or why there is none. */
  async #ask(ask: (id: string) => string | undefined): Promise<Answer | string> {
    const id = randomId();
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    this.#asked.set(id, resolve);
    const cancel = this.#options.startTimer(ANSWER_MS, () => resolve(undefined));
    try {
      const why = ask(id);
      if (why !== undefined) return why;
      const answer = await promise;
      if (answer === undefined) return `its node did not answer for ${ANSWER_MS / 1_000} s`;
      if (answer.why === undefined) return answer;
      answer.link.drop();
      return answer.why;
    } finally {
      cancel();
      this.#asked.delete(id);
    }
  }
}

/** Passes on what comes on a link, until it ends; then the other one ends, too. */
async function pass(
  messages: AsyncGenerator<Received<DeployToInspector | NodeToInspector>>,
  from: DebuggerLink | NodeLink,
  to: DebuggerLink | NodeLink,
): Promise<void> {
  try {
    for await (const { message, body } of messages) {
      if (message.type !== "bytes" && message.type !== "end") throw outOfOrder(message);
      await to.sendBody(body);
    }
  } finally {
    from.drop();
    await to.close();
  }
}

/** Sends `refused`. Deploy closes the connection, having read it. */
async function refuse(
  link: DebuggerLink,
  why: string,
  messages: AsyncGenerator<unknown>,
): Promise<void> {
  void link.send({ type: "refused", why });
  for await (const _ of messages) throw new ProtocolError("a message after the answer");
}

function outOfOrder({ type }: { readonly type: string }): ProtocolError {
  return new ProtocolError(`"${type}" out of order`);
}
