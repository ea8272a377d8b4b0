/** How long the commands of `deploy` wait for a bridge that takes their connection and says nothing. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { dialBridge } from "../../src/cli/dial_bridge.ts";
import { createLogger } from "../../src/core/logger.ts";
import { ConnectError, credentialOf, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { formatSecret } from "../../src/net/secret.ts";

const bytes = new Uint8Array(32).fill(1);

/** Timers that pass when the test says so: the work of each that runs, by its time in ms. */
class Timers implements Disposable {
  readonly running = new Map<number, () => void>();
  readonly #real = { set: globalThis.setTimeout, clear: globalThis.clearTimeout };
  #wake = (): void => {};

  constructor() {
    const set = (work: () => void, ms = 0): number => {
      this.running.set(ms, work);
      this.#wake();
      return ms;
    };
    globalThis.setTimeout = set as unknown as typeof setTimeout;
    globalThis.clearTimeout = (ms) => void this.running.delete(Number(ms));
  }

  /** Resolves when a timer of so many ms runs. */
  async runs(ms: number): Promise<void> {
    while (!this.running.has(ms)) await new Promise<void>((resolve) => this.#wake = resolve);
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#real.set;
    globalThis.clearTimeout = this.#real.clear;
  }
}

async function secretFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, await formatSecret(bytes));
  await Deno.chmod(path, 0o600);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

Deno.test("the first connection waits 30 s for a busy bridge, and says so after 3 s; later ones 5 s", async () => {
  const lines: string[] = [];
  const logger = createLogger("warn", (line) => lines.push(line));
  await using file = await secretFile();
  const options = { secretFile: file.path, plain: false, logger };
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  const bridge = await dialBridge({ host: "127.0.0.1", port }, options);
  {
    using timers = new Timers();
    const dialing = assertRejects(() => bridge.dial(Purpose.view), ConnectError);
    using conn = await silent.accept();
    await timers.runs(30_000);
    assertEquals(await conn.read(new Uint8Array(1)), 1); // the handshake has begun
    timers.running.get(3_000)!();
    timers.running.get(30_000)!();
    const { message } = await dialing;
    const where = `the bridge at 127.0.0.1:${port}`;
    assertEquals(
      message,
      `Cannot connect to ${where}: what listens there did not answer within 30 s`,
    );
    assertEquals(lines, [`deploy: warn: ${where} has not answered for 3 s; waiting\n`]);
    assertEquals(timers.running.size, 0);
  }
  await using server = new PartServer({
    address: { host: "127.0.0.1", port: 0 },
    credential: await credentialOf({ bytes, open: false }),
    handlers: { [Purpose.view]: (conn) => conn.close() },
    logger,
  });
  const answering = await dialBridge(server.address, options);
  (await answering.dial(Purpose.view)).close();
  using timers = new Timers();
  const again = answering.dial(Purpose.view);
  await timers.runs(5_000);
  assertEquals([...timers.running.keys()], [5_000]);
  (await again).close();
});
