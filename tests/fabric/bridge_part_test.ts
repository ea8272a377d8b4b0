/** The process of a bridge, which a fabric starts. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { BRIDGE_VARIABLE, formatBridgeConfig } from "../../src/fabric/bridge_config.ts";
import { loadSecret } from "../../src/net/connect.ts";
import { SECRET_FILE } from "../secret.ts";

const FABRIC = new URL("../../fabric.ts", import.meta.url).pathname;

// Chaos, seed 502: it ended with an uncaught AbortError.
Deno.test("a bridge whose fabric ends before it has reached its master says so, and exits with 1", async () => {
  const store = await Deno.makeTempDir();
  // A master that does not answer.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname: host, port } = listener.addr;
  const secret = await loadSecret({
    secretFile: SECRET_FILE,
    logger: createLogger("error", () => {}),
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", FABRIC],
    env: { [BRIDGE_VARIABLE]: "bridge", NO_COLOR: "1" },
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  }).spawn();
  const stdin = child.stdin.getWriter();
  const config = {
    ...{ bind: { host, port: 0 }, anyPort: true, master: { host, port }, secret, plain: false },
    ...{ deny: [], store, format: "human" as const },
  };
  await stdin.write(new TextEncoder().encode(`${formatBridgeConfig(config)}\n`));
  const ended = child.output();
  using _asked = await listener.accept();
  await stdin.close();
  const { code, stdout, stderr } = await ended;
  await Deno.remove(store, { recursive: true });
  assertMatch(
    new TextDecoder().decode(stderr),
    /^\S+ error Cannot start the bridge: its fabric has ended\n$/,
  );
  assertEquals([code, stdout.length], [1, 0]);
});
