/** A process whose node is the test: its requests, and the results of the answers. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Hold } from "../../src/channel/hold.ts";
import type { Pid } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import { setCurrent } from "../../src/process/current.ts";
import { Endings } from "../../src/process/endings.ts";
import { NodeLink } from "../../src/process/node_link.ts";
import type { NodeMessage, ProcessMessage } from "../../src/wire/control.ts";
import { decodeProcessMessage } from "../../src/wire/process_messages.ts";
import { encodeMessage, MessageDecoder } from "../../src/wire/message.ts";

export const OWN = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
export const OTHER = "3fecd01f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4101" as Pid;

/** The answer to a request, without its number. */
export type Answer<Message = NodeMessage> = Message extends { request: number }
  ? Omit<Message, "request">
  : never;

/** Runs `act` in a process whose node gives `answer`; returns what the node was told and asked. A function may take its time. */
export async function asked(
  answer: Answer | ((message: ProcessMessage) => Answer | Promise<Answer>),
  act: (hold: Hold) => Promise<unknown>,
): Promise<ProcessMessage[]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const node = await accepting;
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const link = new NodeLink(conn, resolve);
  const hold = new Hold({ ref() {}, unref() {} });
  setCurrent({
    pid: OWN,
    resources: DEFAULT_RESOURCES,
    link,
    endings: new Endings(link),
    hold,
    waits: new Set(),
    environment: Deno.env.toObject(),
  });
  const messages: ProcessMessage[] = [];
  const serving = (async () => {
    const decoder = new MessageDecoder();
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await node.read(buffer); count !== null; count = await node.read(buffer)) {
      for (const body of decoder.push(buffer.subarray(0, count))) {
        const message = decodeProcessMessage(body);
        messages.push(message);
        if (!("request" in message)) continue;
        if (message.type === "cancel") continue;
        const { request } = message;
        if (typeof answer !== "function") {
          assertEquals(hold.count > 0, true, "what is pending holds the process");
          await node.write(encodeMessage({ ...answer, request } as NodeMessage));
        } else {
          void Promise.resolve(answer(message)).then((answer) =>
            node.write(encodeMessage({ ...answer, request } as NodeMessage))
          );
        }
      }
    }
  })();
  try {
    await act(hold);
    assertEquals(hold.count, 0, "what has settled does not hold the process");
  } finally {
    await node.closeWrite();
    await lost;
    conn.close();
    await serving;
    node.close();
  }
  return messages;
}
