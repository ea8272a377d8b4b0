/** Asks the nodes that host a run what its processes wait for. */

import type { Pid } from "../core/pid.ts";
import type { WaitState } from "../core/waits.ts";
import type { StartTimer } from "../core/timer.ts";
import { Conversation } from "../net/conversation.ts";
import { orThrow } from "../wire/control.ts";
import type { BridgeToNode, NodeToBridge } from "../wire/run_messages.ts";
import type { HostLink } from "./host_link.ts";

/** A node answers within half a second if its processes do not; one that takes longer is left out. */
const ANSWER_MS = 2_000;

type Question = Extract<BridgeToNode, { type: "why" }>;
type Answer = Extract<NodeToBridge, { type: "waits" }>;

export class RunWaits {
  readonly #startTimer: StartTimer;
  readonly #nodes = new Map<HostLink, Conversation<Question, { why: Answer }>>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  /** A node hosts processes of the run from now on. */
  add(node: HostLink): void {
    const send = (question: Question) => void node.send(question);
    this.#nodes.set(node, new Conversation<Question, { why: Answer }>({ why: ["waits"] }, send));
  }

  /** The link to a node has ended. */
  remove(node: HostLink): void {
    this.#nodes.get(node)?.end(new Error("the link to the node has ended"));
    this.#nodes.delete(node);
  }

  /** Takes a node's answer. @throws {ProtocolError} If it was not asked for. */
  answer(node: HostLink, message: Answer): void {
    this.#nodes.get(node)?.answer(message);
  }

  /** What each process of the run waits for; processes of a node that does not answer are left out. */
  async ask(): Promise<Map<Pid, WaitState>> {
    const answers = await Promise.all(this.#nodes.values().map((node) => this.#ask(node)));
    return new Map(answers.flat().map(({ pid, state }) => [pid, state]));
  }

  #ask(node: Conversation<Question, { why: Answer }>): Promise<Answer["processes"]> {
    return new Promise((resolve) => {
      const cancel = this.#startTimer(ANSWER_MS, () => resolve([]));
      node.ask({ type: "why" }).then(orThrow).then(({ processes }) => {
        cancel();
        resolve(processes);
      }, () => {
        // Its link has ended, and with it what there is to know.
        cancel();
        resolve([]);
      });
    });
  }
}
