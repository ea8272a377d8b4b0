/** What a chaos did and found, as text. */

/** What a chaos did, and what did not hold. */
export interface ChaosResult {
  /** Programs that have run, by kind. */
  readonly programs: Readonly<Record<string, number>>;
  /** Faults that have happened, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly processes: number;
  /** Values that readers of streams have received. */
  readonly values: number;
  /** The runs in which a part was silent for longer than it may be: after a fault, or on a busy machine. */
  readonly silences: number;
  /** What did not hold, in one line each. */
  readonly violations: readonly string[];
}

/** The result, for a person. */
export function report(result: ChaosResult): string {
  const { programs, faults, processes, values, silences, violations } = result;
  return [
    `programs   ${counts(programs)}`,
    `faults     ${counts(faults)}`,
    `processes  ${processes}`,
    `values     ${values}`,
    `silences   ${silences}`,
    violations.length === 0 ? "all as promised" : `NOT as promised: ${violations.length}`,
    ...violations.map((line) => `  ${line}`),
  ].join("\n");
}

function counts(all: Readonly<Record<string, number>>): string {
  const sum = Object.values(all).reduce((total, each) => total + each, 0);
  const parts = Object.entries(all).map(([kind, count]) => `${kind} ${count}`);
  return parts.length === 0 ? "0" : `${sum} (${parts.join(", ")})`;
}
