/**
 * Loaded before a program, by `--preload`: whoever connects to a socket with the id of this process is told what it
 * uses after a collection of garbage. `asked.ts` has the other end.
 */

import { FOLDER_VARIABLE, socketOf, type Told } from "./asked.ts";
import { BOOTSTRAP_VARIABLE } from "../../src/process/bootstrap.ts";

const folder = Deno.env.get(FOLDER_VARIABLE);
// Processes of a run inherit the variable and the flags. Only the launcher and the parts of a cluster are asked.
if (folder !== undefined && !Deno.env.has(BOOTSTRAP_VARIABLE)) {
  const listener = Deno.listen({ transport: "unix", path: socketOf(folder, Deno.pid) });
  listener.unref();
  void answer(listener);
}

async function answer(listener: Deno.UnixListener): Promise<void> {
  for await (const connection of listener) {
    try {
      await connection.write(new TextEncoder().encode(JSON.stringify(await measure())));
    } finally {
      connection.close();
    }
  }
}

/** What V8 has, by `--expose-gc`. */
interface Collector {
  gc(options: { type: "major"; execution: "sync"; flavor: "last-resort" }): void;
}

async function measure(): Promise<Told> {
  const { gc } = globalThis as unknown as Collector;
  // The callbacks of what the first one found run in between, and release more.
  for (let times = 0; times < 2; times++) {
    gc({ type: "major", execution: "sync", flavor: "last-resort" });
    await new Promise((resolve) => setTimeout(resolve));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return { liveBytes: heapUsed + external };
}
