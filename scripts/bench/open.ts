/** Rows whose sides are long-running programs. */

import type { Commanded } from "./commanded.ts";
import type { OpenRow, Side } from "./row.ts";

/** A row of `sides`, which disposes of everything in `held` at its end. */
export function openRow(sides: readonly Side[], held: readonly AsyncDisposable[] = []): OpenRow {
  return {
    sides,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const each of held) await each[Symbol.asyncDispose]();
    },
  };
}

/** A program that measures something on request. */
export interface Asked {
  readonly name: string;
  readonly program: Commanded;
  readonly question: string;
  readonly peer?: boolean;
}

/** A row of such programs and of other sides. */
export function askingRow(asked: readonly Asked[], more: readonly Side[] = []): OpenRow {
  const sides = asked.map(({ name, program, question, peer = false }) => ({
    name,
    peer,
    measure: () => program.ask(question),
  }));
  return openRow([...sides, ...more], asked.map(({ program }) => program));
}
