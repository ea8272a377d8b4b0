/** What a page may say to its server. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { MAX_PAGE_MESSAGE, readPageMessage } from "../../src/dashboard/messages.ts";
import { FIRST } from "../terminal/events.ts";

Deno.test("readPageMessage() reads messages", () => {
  const messages = [
    { type: "look", run: "bafo-kine" },
    { type: "look", run: null },
    { type: "taken", messages: 3 },
    { type: "kill", request: 0, run: "bafo-kine", pid: FIRST, atOnce: true },
    { type: "kill", request: 1, run: "bafo-kine", pid: null, atOnce: false },
  ];
  for (const message of messages) {
    assertEquals(readPageMessage(JSON.stringify(message)) as unknown, message);
    assertEquals(readPageMessage(JSON.stringify({ ...message, more: 1 })) as unknown, message);
  }
});

Deno.test("readPageMessage() refuses everything else", () => {
  const others: unknown[] = [
    ...[undefined, new ArrayBuffer(2), "", "{", "null", "7", "[]", "{}"],
    '{"type":"look"}',
    '{"type":"look","run":7}',
    '{"type":"taken","messages":-1}',
    '{"type":"taken","messages":1e400}',
    '{"type":"kill","request":1,"run":"x","pid":"bafo","atOnce":true}',
    '{"type":"kill","request":1,"run":"x","pid":null,"atOnce":1}',
    '{"type":"kill","request":"1","run":"x","pid":null,"atOnce":true}',
    '{"type":"kill","request":1,"pid":null,"atOnce":true}',
    '{"type":"constructor"}',
    JSON.stringify({ type: "look", run: "x".repeat(MAX_PAGE_MESSAGE) }),
  ];
  for (const other of others) assertEquals(readPageMessage(other), undefined, String(other));
});
