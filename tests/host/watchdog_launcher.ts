/** Something like a launcher: it starts processes that are stuck, says their ids, and waits. */

import { createLogger } from "../../src/core/logger.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import { Watchdog } from "../../src/host/watchdog.ts";

const watchdog = new Watchdog(createLogger("warn", (line) => console.error(line)));
const children = await Promise.all(Array.from({ length: 4 }, async () => {
  const program = { command: Deno.execPath(), args: ["eval", "while (true);"], cwd: "/" };
  const child = new ChildProcess(program, { env: {}, stdin: false });
  await watchdog.add(child.group);
  return child;
}));
console.log(JSON.stringify({ watchdog: watchdog.pid, groups: children.map(({ group }) => group) }));
await Promise.all(children.map(({ exited }) => exited));
