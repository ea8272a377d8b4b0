/** A stand-in for a launcher: it starts processes that do not end, prints their ids, and waits. */

import { createLogger } from "../../src/core/logger.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import { Marks } from "../../src/host/marks.ts";
import { Watchdog } from "../../src/host/watchdog.ts";

const marks = new Marks();

const watchdog = new Watchdog({
  logger: createLogger("warn", (line) => console.error(line)),
  marks,
  folder: { where: () => Deno.args[0], canMove: true },
});
const children = await Promise.all(Array.from({ length: 4 }, async () => {
  const program = { command: "sleep", args: ["1000"], cwd: "/" };
  const child = new ChildProcess(program, { env: {}, stdin: "null", mark: marks.next() });
  await watchdog.add(child.group);
  return child;
}));
console.log(JSON.stringify({ watchdog: watchdog.pid, groups: children.map(({ group }) => group) }));
await Promise.all(children.map(({ exited }) => exited));
