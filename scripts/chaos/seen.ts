/** What a program of the chaos has seen, and what must hold of it, whatever happened. */

import type { ExitStatus } from "deploy";
import type { ProgramPlan } from "./plan.ts";

/** A line of a program. */
export type Seen =
  /** A stream: how far it came, and how it ended; `end` is `null` if it ended cleanly. */
  | {
    what: "stream";
    child: string;
    received: number;
    end: { kind: string; status: ExitStatus | null } | null;
    status: ExitStatus | null;
  }
  /** How a member of a ring ended. */
  | { what: "member"; child: string; status: ExitStatus }
  /** The program has done its work, or was told that it cannot: a process or a node was lost. */
  | { what: "done"; lost: ExitStatus | string | null };

/**
 * What has happened to a run:
 *
 * - `ended`: it was told to stop, or its deploy was killed
 * - `head-lost`: the master or the bridge was, which ends every run
 * - `process-killed`: one of its OS processes was
 * - `node-killed`: a node was, which may have been about to start its first process
 * - `process-frozen`, `deploy-frozen`: for longer than a part may be silent
 * - `silent`: a part has heard nothing of another one for that long. After a fault that is its consequence.
 *   On a machine with more to do than it can, it happens to parts that nothing has been done to, and the loss
 *   that follows is as promised, too
 */
export type Happened =
  | "ended"
  | "head-lost"
  | "process-killed"
  | "node-killed"
  | "process-frozen"
  | "deploy-frozen"
  | "silent";

/** Whether a status, or what a part says, is that another part was silent for too long. */
export function isSilence(text: string): boolean {
  return /did not answer (for|within) \d/.test(text);
}

/** How a run ended, as its `deploy` told it. */
export interface RunEnd {
  readonly code: number;
  /** The lines of the first process on stdout. */
  readonly lines: readonly string[];
  /** What was written to stderr. */
  readonly stderr: string;
  /** How each process ended. */
  readonly statuses: ReadonlyMap<string, ExitStatus>;
  readonly happened: ReadonlySet<Happened>;
}

/** What was promised and does not hold, in one line each. */
export function violations(
  plan: ProgramPlan,
  end: RunEnd,
): string[] {
  const { code, lines, stderr, statuses } = end;
  const found = lines.filter((line) => line.startsWith("wrong ")).map((line) => line.slice(6));
  const all = lines.filter((line) => line.startsWith("seen ")).map((line): Seen =>
    JSON.parse(line.slice(5))
  );
  for (const seen of all) {
    if (seen.what === "stream") found.push(...ofStream(plan, seen));
    if (seen.what !== "done" && seen.status !== null) {
      const told = statuses.get(seen.child);
      if (told === undefined || !isSame(told, seen.status) && !isUnknown(end, told)) {
        found.push(
          `told apart: ${seen.child} ended as ${JSON.stringify(seen.status)} for its program, ` +
            `and as ${JSON.stringify(told)} at the terminal`,
        );
      }
    }
  }
  const isDone = all.some(({ what }) => what === "done");
  const failed = [...statuses.values()].some((status) => !("code" in status));
  if (!isDone && !failed && !isExplained(end)) {
    found.push(
      `unexplained: it ended with ${code}, and nothing had happened to it; on stderr: ` +
        stderr.trim().replaceAll("\n", " | "),
    );
  }
  return found;
}

/** Whether a status only says that nobody can tell any more how the process ended. */
function isUnknown({ happened }: RunEnd, told: ExitStatus): boolean {
  const isPossible = (["head-lost", "silent", "ended"] as const).some((what) => happened.has(what));
  return isPossible && "lost" in told && told.lost.startsWith("the bridge ");
}

/** What `deploy` says of a program that did not start after such a fault. */
const NOT_STARTED: readonly (readonly [Happened, RegExp])[] = [
  ["process-killed", /SIGKILL/],
  ["node-killed", /Cannot tell whether the first process was started: node \S+ is gone/],
  ["process-frozen", /did not reach/],
  ["deploy-frozen", /lost the bridge|did not answer for/],
];

/** Whether what has happened to a run explains that its program ended early though no process had failed. */
function isExplained({ happened, statuses, stderr }: RunEnd): boolean {
  if ((["ended", "head-lost", "silent"] as const).some((what) => happened.has(what))) return true;
  return statuses.size === 0 &&
    NOT_STARTED.some(([what, says]) => happened.has(what) && says.test(stderr));
}

function ofStream(plan: ProgramPlan, seen: Extract<Seen, { what: "stream" }>): string[] {
  const { child, received, end, status } = seen;
  const what = `${child}, which ended as ${JSON.stringify(status)}: ${received} of ${plan.values}`;
  const found: string[] = [];
  const isWhole = received === plan.values;
  // It ended by itself: all that it had sent is delivered before.
  if (status !== null && "code" in status && !isWhole) found.push(`lost: ${what}`);
  if (end === null && !isWhole) found.push(`cut, and ended cleanly: ${what}`);
  const told = end?.status ?? null;
  if (told !== null && status !== null && !isSame(told, status)) {
    found.push(
      `told apart: the channel of ${child} ended as ${JSON.stringify(told)}, ` +
        `wait() says ${JSON.stringify(status)}`,
    );
  }
  return found;
}

function isSame(one: ExitStatus, other: ExitStatus): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
