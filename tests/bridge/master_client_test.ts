/** A bridge's link to its master; the test is the master. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { MasterClient } from "../../src/bridge/master_client.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  BRIDGE_TO_MASTER,
  type BridgeToMaster,
  type MasterToBridge,
} from "../../src/wire/bridge_messages.ts";

const NEWS = { said: () => {}, lost: () => {}, nodeGone: () => {}, ended: () => {} };

async function withClient(
  test: (
    client: MasterClient,
    master: MessageLink<MasterToBridge, BridgeToMaster>,
    next: () => Promise<BridgeToMaster | undefined>,
  ) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const client = new MasterClient(conn);
  const master = new MessageLink<MasterToBridge, BridgeToMaster>(await accepting, {
    schema: BRIDGE_TO_MASTER,
  });
  const messages = master.messages();
  try {
    await test(client, master, async () => (await messages.next()).value);
  } finally {
    client.close();
    master.drop();
    while (!(await messages.next()).done);
  }
}

Deno.test("MasterClient learns that a request waits, before it is answered", () =>
  withClient(async (client, master, next) => {
    const waits: string[] = [];
    const needs = client.try("r1", { mem: 1, cpu: 1 }, () => waits.push("waits"));
    assertEquals(await next(), {
      type: "try",
      request: 0,
      run: "r1",
      resources: { mem: 1, cpu: 1 },
    });
    void master.send({ type: "waits", request: 0 });
    void master.send({ type: "needs", request: 0, resources: { mem: 2, cpu: 3 } });
    const { mem, cpu } = await needs;
    assertEquals([mem, cpu, waits], [2, 3, ["waits"]]);
  }));

Deno.test("MasterClient rejects pending and later requests when its master is lost", () =>
  withClient(async (client, master, next) => {
    const first = client.first("r1", "main.ts", { mem: 1, cpu: 1 }, () => {});
    await next();
    master.drop();
    await assertRejects(() => first, SpawnError, "the master: it closed the connection");
    await assertRejects(() => client.where({ mem: 1, cpu: 1 }), SpawnError, "the master");
    assertEquals((await client.ended).message, "it closed the connection");
  }));

Deno.test("an answer without a request ends the link", async () => {
  const table: MasterToBridge[] = [
    { type: "fits", request: 0, node: null, possible: true, message: "" },
    { type: "waits", request: 7 },
    { type: "needs", request: 0, resources: { mem: 1, cpu: 1 } },
    { type: "failed", request: 1, reason: "lost", message: "no" },
  ];
  for (const answer of table) {
    await withClient(async (client, master, next) => {
      client.open("r1", new Uint8Array(32), NEWS);
      const first = client.first("r1", "main.ts", { mem: 1, cpu: 1 }, () => {});
      first.catch(() => {}); // checked below
      await next();
      await next();
      void master.send(answer);
      const why = `a "${answer.type}" message that answers no request`;
      assertEquals((await client.ended).message, why);
      await assertRejects(() => first, SpawnError, why);
    });
  }
});
