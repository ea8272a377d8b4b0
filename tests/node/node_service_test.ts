/** What masters that come and go cause in the log of a node. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { loadCredential } from "../../src/net/connect.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { connect } from "../../src/net/transport.ts";
import { NodeService } from "../../src/node/node_service.ts";
import { Store } from "../../src/store/store.ts";
import {
  type MasterToNode,
  NODE_TO_MASTER,
  type NodeToMaster,
} from "../../src/wire/node_messages.ts";

const NONE = { mem: 0, cpu: 0 };

Deno.test("a master that is lost again and again has one line a minute", async () => {
  const folder = await Deno.makeTempDir();
  const lines: string[] = [];
  {
    await using store = await Store.open(folder);
    const service = new NodeService({
      ...{ host: "127.0.0.1", port: 1, address: "127.0.0.1:1", machine: NONE, maxSpares: 0, store },
      credential: await loadCredential({ logger: createLogger("error", () => {}) }),
      logger: createLogger("warn", (line) => lines.push(line), { now: () => 0 }),
    });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (let count = 0; count < 3; count++) {
      const accepting = listener.accept();
      const conn = await connect({ hostname: "127.0.0.1", port: listener.addr.port });
      service.acceptMaster(await accepting, "127.0.0.1:5");
      const link = new MessageLink<MasterToNode, NodeToMaster>(conn, { schema: NODE_TO_MASTER });
      void link.send({ type: "adopt", address: "127.0.0.1:5", resources: NONE, session: "s" });
      const messages = link.messages();
      assertEquals((await messages.next()).value?.type, "adopted");
      link.drop();
      await link.ended;
    }
    await service.stop({ signal: "SIGKILL", graceMs: 0 });
  }
  await Deno.remove(folder, { recursive: true });
  assertEquals(lines.length, 1, lines.join(""));
  assertMatch(lines[0]!, /lost the master: /);
});
