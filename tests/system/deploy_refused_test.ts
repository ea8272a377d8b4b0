/** A run that its bridge gives up when something of it has begun: by a bridge of which each word is written here. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { makePid } from "../../src/core/pid.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { PartServer } from "../../src/net/part_server.ts";
import type { Transport } from "../../src/net/transport.ts";
import {
  type BridgeToDeploy,
  DEPLOY_TO_BRIDGE,
  type DeployToBridge,
} from "../../src/wire/run_messages.ts";
import { credentialOf, loadSecret } from "../../src/net/connect.ts";
import { Deployed } from "../fabric/deployed.ts";
import { SECRET_FILE } from "../secret.ts";

const FIRST = makePid("0123456789abcdef0123456789abcdef", "127.0.0.1", 4_711);
const WHY = "Cannot tell whether node 127.0.0.1:9999 has started the first process";

/** Takes the deployment, shows the first process, and then says that it cannot tell whether it runs. */
async function serve(conn: Transport): Promise<void> {
  const link = new MessageLink<BridgeToDeploy, DeployToBridge>(conn, { schema: DEPLOY_TO_BRIDGE });
  for await (const { type } of link.messages()) {
    if (type === "offer") void link.send({ type: "need", pieces: [], last: true });
    if (type !== "run") continue;
    void link.send({ type: "accepted", run: "rosu-voru", token: "token" });
    const spawn = { event: "spawn", pid: FIRST, parent: null, name: "main.ts" } as const;
    void link.send({
      type: "event",
      event: { ...spawn, node: "127.0.0.1:9999", time: Date.now() },
    });
    void link.send({ type: "refused", why: WHY, output: new Uint8Array() });
  }
}

// As when the node of the first process is killed before the master knows that it runs: chaos, seed 301, ended like this.
Deno.test("deploy completes the events of a run that is refused after its first process was shown", async () => {
  const logger = createLogger("error", () => {});
  const secret = await loadSecret({ secretFile: SECRET_FILE, logger });
  await using server = new PartServer({
    address: { host: "127.0.0.1", port: 0 },
    credential: await credentialOf(secret, {}),
    handlers: { [Purpose.deploy]: (conn) => void serve(conn) },
    logger,
  });
  const address = `127.0.0.1:${server.address.port}`;
  await using program = await Deployed.start(
    address,
    `import { init } from "deploy"; await init();`,
  );
  assertEquals(await program.code, 1);
  assertStringIncludes(program.stderr, `deploy: ${WHY}\n`);
  const [, ...ends] = program.events.map((event) =>
    event.event === "exit" ? event.status : event.event
  );
  assertEquals(ends, ["eof", "eof", { lost: WHY }]);
});
