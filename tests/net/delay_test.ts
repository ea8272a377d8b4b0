/** Timers of the runtime: they fire, and keep no process alive. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { delay, lookAtSockets, startTimer } from "../../src/net/delay.ts";

const MODULE = new URL("../../src/net/delay.ts", import.meta.url).href;

async function run(code: string): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), { args: ["eval", code], stderr: "inherit" });
  return new TextDecoder().decode((await command.output()).stdout);
}

Deno.test("startTimer() calls when the time is up, unless that was taken back", async () => {
  const called: string[] = [];
  startTimer(1, () => called.push("kept"));
  startTimer(1, () => called.push("taken back")).onabort = null;
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 20); // keeps the process alive, which delay() does not
  await delay(5);
  await promise;
  assertEquals(called, ["kept"]);
});

Deno.test("startTimer() does not keep a process alive", async () => {
  const code = `import { startTimer } from "${MODULE}"; startTimer(60_000, () => {});` +
    `addEventListener("unload", () => console.log(performance.now() < 30_000));`;
  assertEquals(await run(code), "true\n");
});

Deno.test("lookAtSockets() lets what has come on a socket be taken, also if digests are done before the event loop looks", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialling = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using accepted = await listener.accept();
  using dialled = await dialling;
  const { digest } = crypto.subtle;
  for (const isBusy of [false, true]) {
    let hasCome = false;
    const reading = accepted.read(new Uint8Array(1)).then(() => hasCome = true);
    const writing = dialled.write(new Uint8Array(1));
    for (let count = 0; count < 1_000; count++) await null;
    assertEquals(hasCome, false);
    // As another thread that is always quicker.
    if (isBusy) crypto.subtle.digest = () => Promise.resolve(new ArrayBuffer(32));
    try {
      for (const endMs = performance.now() + 30_000; !hasCome && performance.now() < endMs;) {
        await lookAtSockets();
      }
    } finally {
      crypto.subtle.digest = digest;
    }
    assertEquals(hasCome, true);
    await Promise.all([reading, writing]);
  }
});
