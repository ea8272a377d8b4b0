// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { ControlLink } from "../../src/host/control_link.ts";
import { encodeMessage } from "../../src/wire/message.ts";

Deno.test("what a process has said last is read also if it is asked something after its end", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/s`;
    using listener = Deno.listen({ transport: "unix", path });
    const [accepted, own] = await Promise.all([
      listener.accept(),
      Deno.connect({ transport: "unix", path }),
    ]);
    const link = new ControlLink(accepted);
    link.trust();
    const messages = link.messages();
    await own.write(encodeMessage({ type: "started" }));
    assertEquals((await messages.next()).value, { type: "started" });
    await own.write(encodeMessage({ type: "unread", channels: [] }));
    own.close();
    for (let request = 0; request < 3; request++) {
      link.send({ type: "why", request }); // fails: nobody reads it
      await delay(0);
    }
    assertEquals((await messages.next()).value, { type: "unread", channels: [] });
    assertEquals((await messages.next()).done, true);
    link.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
