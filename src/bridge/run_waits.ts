/** Asks the nodes that host a run what its processes wait for, and what they use. */

import type { Pid } from "../core/pid.ts";
import type { NodeSample } from "../core/samples.ts";
import type { WaitState } from "../core/waits.ts";
import type { StartTimer } from "../core/timer.ts";
import { Conversation } from "../net/conversation.ts";
import { type FailedMessage, orThrow } from "../wire/control.ts";
import type { BridgeToNode, NodeToBridge, ProcessUsage } from "../wire/run_messages.ts";
import type { HostLink } from "./host_link.ts";

/** A node answers within half a second if its processes do not; one that takes longer is frozen, or cut off. */
const ANSWER_MS = 2_000;

type Question = Extract<BridgeToNode, { type: "why" | "usage" | "samples" }>;

interface Answers {
  why: Extract<NodeToBridge, { type: "waits" }>;
  usage: Extract<NodeToBridge, { type: "usages" }>;
  samples: Extract<NodeToBridge, { type: "samples" }>;
}

type Questions = Conversation<Question, Answers>;

export class RunWaits {
  readonly #startTimer: StartTimer;
  readonly #nodes = new Map<HostLink, Questions>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  /** A node hosts processes of the run from now on. */
  add(node: HostLink): void {
    const send = (question: Question) => void node.send(question);
    const answers = { why: ["waits"], usage: ["usages"], samples: ["samples"] } as const;
    this.#nodes.set(node, new Conversation<Question, Answers>(answers, send));
  }

  /** The link to a node has ended. */
  remove(node: HostLink): void {
    this.#nodes.get(node)?.end(new Error("the link to the node has ended"));
    this.#nodes.delete(node);
  }

  /** Takes a node's answer. @throws {ProtocolError} If it was not asked for. */
  answer(node: HostLink, message: Answers[keyof Answers]): void {
    this.#nodes.get(node)?.answer(message);
  }

  /** What each process of the run waits for, and which nodes do not answer. */
  async ask(): Promise<{
    readonly states: Map<Pid, WaitState>;
    readonly silent: ReadonlySet<string>;
  }> {
    const { answers, silent } = await this.#askAll((node) => node.ask({ type: "why" }));
    const processes = answers.flatMap(({ processes }) => processes);
    return { states: new Map(processes.map(({ pid, state }) => [pid, state])), silent };
  }

  /** What each process of the run uses; those of which nothing is known are left out. */
  async usage(): Promise<ProcessUsage[]> {
    const { answers } = await this.#askAll((node) => node.ask({ type: "usage" }));
    return answers.flatMap(({ processes }) => processes);
  }

  /** A sample of each process of the run, and which nodes do not answer. */
  async samples(): Promise<{
    readonly samples: Map<Pid, NodeSample>;
    readonly silent: ReadonlySet<string>;
  }> {
    const { answers, silent } = await this.#askAll((node) => node.ask({ type: "samples" }));
    const processes = answers.flatMap(({ processes }) => processes);
    return { samples: new Map(processes.map((sample) => [sample.pid, sample])), silent };
  }

  /** The answers that come in time, and the nodes of which none does. */
  async #askAll<Answer extends Answers[keyof Answers]>(
    ask: (questions: Questions) => Promise<Answer | FailedMessage>,
  ): Promise<{ answers: Answer[]; silent: Set<string> }> {
    const silent = new Set<string>();
    const answers = await Promise.all(
      Array.from(this.#nodes, async ([node, questions]) => {
        const asking = node.connected ? ask(questions).then(orThrow<Answer>) : undefined;
        const answer = asking && await inTime(this.#startTimer, asking);
        if (answer === undefined) silent.add(node.node);
        return answer;
      }),
    );
    return { answers: answers.filter((answer) => answer !== undefined), silent };
  }
}

/** The answer if it comes in time; `undefined` for one that fails, since then there is nothing to know. */
export function inTime<Answer>(
  startTimer: StartTimer,
  asking: Promise<Answer>,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const cancel = startTimer(ANSWER_MS, () => resolve(undefined));
    asking.then((answer) => {
      cancel();
      resolve(answer);
    }, () => {
      cancel();
      resolve(undefined);
    });
  });
}
