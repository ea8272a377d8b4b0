/** The equivalent of `loop` in `spawn.ts` by hand: starts a child, which connects and writes, and waits for its end. */

import { answer, median } from "./answer.ts";
import { ANSWER_BYTES, LOOPS } from "./sizes.ts";

const CHILD = new URL("./child.ts", import.meta.url).pathname;

async function startAndWait(listener: Deno.TcpListener): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CHILD, String(listener.addr.port)],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  using conn = await listener.accept();
  const bytes = new Uint8Array(ANSWER_BYTES);
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) throw new Error("The child ended before it had answered");
    at += count;
  }
  await child.status;
}

await answer({
  async loop(): Promise<number> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const times = new Float64Array(LOOPS);
    for (let count = 0; count < LOOPS; count++) {
      const start = performance.now();
      await startAndWait(listener);
      times[count] = performance.now() - start;
    }
    return median(times);
  },
});
