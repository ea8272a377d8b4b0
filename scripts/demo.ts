/** `deno task demo`: runs examples with several processes, and explains them. */

import { runExample } from "./run_example.ts";

interface Step {
  readonly name: string;
  readonly args: readonly string[];
  readonly shows: string;
}

const STEPS: readonly Step[] = [
  {
    name: "workers",
    args: [],
    shows:
      "Ten workers: each is an OS process of its own, started by a function call. What a process\n" +
      "prints stands under its name; results come back over channels, and are added up.",
  },
  {
    name: "word_count",
    args: ["4"],
    shows: "The words of 41 chapters of Moby-Dick, counted by 4 processes at the same time.",
  },
  {
    name: "pipeline",
    args: ["400"],
    shows: "A log that streams through 3 processes. The reader takes a break; see the writer stop.",
  },
];

for (const { name, args, shows } of STEPS) {
  const command = ["deno task example", name, ...args].join(" ");
  console.log(`\n── ${command} ${"─".repeat(Math.max(0, 76 - command.length))}\n${shows}\n`);
  const code = await runExample(name, args);
  if (code !== 0) {
    console.error(`\nThe example ${name} ended with exit code ${code}.`);
    Deno.exit(code);
  }
}
console.log("\nThat was the demo. More examples: deno task example");
