/** A program that shows a scripted run on its real stdout and stderr, for terminal_test.ts. */

import type { RunEvent } from "../../src/core/events.ts";
import { OUTPUT_FORMATS } from "../../src/terminal/formats.ts";
import { createTerminal } from "../../src/terminal/terminal.ts";
import { ended, EXAMPLE, FIRST, spawned, wrote } from "./events.ts";

const scripts: Record<string, () => Iterable<RunEvent>> = {
  example: () => EXAMPLE,
  /** 5000 numbered lines, in reads that end anywhere; both streams in turn. */
  *lines() {
    yield spawned(null, FIRST);
    for (let index = 0; index < 5_000; index++) {
      const line = `line ${index} of the run\n`;
      yield wrote(FIRST, 1, line.slice(0, index % line.length));
      yield wrote(FIRST, index % 2 === 0 ? 1 : 2, line.slice(index % line.length));
    }
    yield* ended(FIRST);
  },
  /** Lines until the reader is gone. */
  *flood() {
    yield spawned(null, FIRST);
    while (!gone) yield wrote(FIRST, 1, "y\n".repeat(1000));
    yield wrote(FIRST, 2, "stdout is gone\n");
    yield* ended(FIRST);
  },
};

const [script = "example", name = "human"] = Deno.args;
const format = OUTPUT_FORMATS.find((each) => each === name)!;
let gone = false;
const terminal = createTerminal({ format });
terminal.stdoutGone.then(() => gone = true);
// The events come one after another, and each is passed on at once, as with many processes.
const waiting: Promise<void>[] = [];
for (const event of scripts[script]!()) {
  waiting.push(terminal.sink(event));
  if (waiting.length > 50) await waiting.shift();
}
await Promise.all(waiting);
