/** What a chaos consists of, drawn from a seed: programs, and faults. The same seed gives the same ones. */

/** A program, as `program.ts` runs it. */
export interface ProgramPlan {
  /**
   * - `streams`: some processes send values to the first one, all at once
   * - `churn`: the same, one process after the other
   * - `ring`: values are passed on from process to process
   * - `tree`: processes that spawn others
   * - `pool`: calls of a pool, each with retries
   */
  readonly kind: "streams" | "churn" | "ring" | "tree" | "pool";
  /** How many processes the first one spawns. */
  readonly processes: number;
  /** How many values each sends, or laps, or calls there are. */
  readonly values: number;
  /** The size of a value of a stream. */
  readonly bytes: number;
  /** The pause between two values of a stream. */
  readonly pauseMs: number;
  /** How a process of a stream ends. */
  readonly ending: "return" | "close" | "exit" | "throw" | "killed";
  /** The depth of a tree. */
  readonly depth: number;
}

export type FaultKind = (typeof FAULTS)[number];

/**
 * A fault. Those of a `node` happen to all that it hosts; those of the master and the bridge to their own
 * OS process only.
 */
export interface FaultPlan {
  readonly kind: FaultKind;
  /** How long after the end of the fault before it begins, in ms. */
  readonly afterMs: number;
  /** How long until what was killed is restarted, or what was frozen goes on, in ms. */
  readonly forMs: number;
  /** Which node, process or run of those that there are, from 0 to below 1. */
  readonly which: number;
}

/** Numbers from 0 to below 1. */
export type Random = () => number;

const KINDS = ["streams", "streams", "churn", "ring", "tree", "pool"] as const;
const ENDINGS = ["return", "close", "exit", "throw", "killed"] as const;
/** Those of one process come more often than those that end every run. */
const FAULTS = [
  ...["kill-node", "freeze-node", "kill-process", "freeze-process"] as const,
  ...["kill-node", "freeze-node", "kill-process", "freeze-process"] as const,
  ...["kill-process", "kill-process", "stop-run", "kill-deploy", "freeze-deploy"] as const,
  ...["freeze-master", "kill-bridge", "freeze-bridge"] as const,
] as const;

/** Longer than a part may be silent: the master declares a node lost that is frozen so long. */
export const LONG_MS = 13_000;

/** The programs of a seed, without end. */
export function* programsOf(random: Random): Generator<ProgramPlan, never> {
  const below = (limit: number): number => Math.floor(random() * limit);
  for (;;) {
    const bytes = 10 ** below(6);
    yield {
      kind: pick(KINDS, random),
      processes: 2 + below(6),
      values: bytes > 10_000 ? 20 + below(30) : 50 + below(200),
      bytes,
      pauseMs: below(4) * 5,
      ending: pick(ENDINGS, random),
      depth: 1 + below(3),
    };
  }
}

/** All kinds of faults. */
export const FAULT_KINDS: readonly FaultKind[] = [...new Set(FAULTS)];

/** The faults of a seed and of these kinds, without end. */
export function* faultsOf(
  random: Random,
  kinds: readonly FaultKind[] = FAULT_KINDS,
): Generator<FaultPlan, never> {
  const below = (limit: number): number => Math.floor(random() * limit);
  const drawn = FAULTS.filter((kind) => kinds.includes(kind));
  for (;;) {
    const kind = pick(drawn, random);
    const isLong = kind.startsWith("freeze") && random() < 0.25;
    yield {
      kind,
      afterMs: below(2_500),
      forMs: isLong ? LONG_MS : 200 + below(2_000),
      which: random(),
    };
  }
}

function pick<Each>(list: readonly Each[], random: Random): Each {
  return list[Math.floor(random() * list.length)]!;
}
