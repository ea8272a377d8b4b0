/** Pids: their text, and values that are not Pids. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import {
  formatAddress,
  isPid,
  makePid,
  parsePid,
  type PidParts,
  randomId,
  shortPid,
} from "../../src/core/pid.ts";

const ID = "8a3be21f00d1c0ffee8a3be21f00d1c0";

Deno.test("makePid() and parsePid() are each other's inverse", () => {
  const table: [parts: PidParts, text: string][] = [
    [{ id: ID, host: "127.0.0.1", port: 1 }, `${ID}@127.0.0.1:1`],
    [{ id: ID, host: "10.0.0.2", port: 65_535 }, `${ID}@10.0.0.2:65535`],
    [{ id: ID, host: "host-1.example", port: 4100 }, `${ID}@host-1.example:4100`],
    [{ id: ID, host: "::1", port: 4100 }, `${ID}@[::1]:4100`],
    [{ id: ID, host: "fe80::1%eth0", port: 4100 }, `${ID}@[fe80::1%eth0]:4100`],
    [{ id: ID, host: "::ffff:10.0.0.2", port: 4100 }, `${ID}@[::ffff:10.0.0.2]:4100`],
  ];
  for (const [parts, text] of table) {
    assertEquals<string>(makePid(parts.id, parts.host, parts.port), text);
    assertEquals(parsePid(text), parts);
    assertEquals(isPid(text), true);
  }
});

Deno.test("isPid() is false for anything but a Pid", () => {
  const table: unknown[] = [
    ...[undefined, null, 7, 7n, true, {}, [], new String(`${ID}@a:1`), Symbol("pid")],
    ...["", ID, `${ID}@`, `${ID}@a`, `${ID}@a:`, `@a:1`, `${ID}a:1`, `${ID}@:1`],
    ...[`${ID}@a:0`, `${ID}@a:65536`, `${ID}@a:123456`, `${ID}@a:-1`, `${ID}@a:1e3`, `${ID}@a:x`],
    // Each process has exactly one text form.
    ...[`${ID}@a:080`, `${ID}@a:00001`, `${ID.toUpperCase()}@a:1`],
    ...[`${ID.slice(1)}@a:1`, `${ID}0@a:1`, `g${ID.slice(1)}@a:1`],
    ...[` ${ID}@a:1`, `${ID}@a:1 `, `${ID}@a:1\n`, `${ID}@a b:1`, `${ID}@a@b:1`, `${ID}@a/b:1`],
    ...[`${ID}@::1:1`, `${ID}@[::1:1`, `${ID}@::1]:1`, `${ID}@[]:1`, `${ID}@[a.example]:1`],
  ];
  for (const value of table) assertEquals(isPid(value), false, String(value));
});

Deno.test("shortPid() is the first 7 digits", () => {
  assertEquals(shortPid(makePid(ID, "127.0.0.1", 1)), "8a3be21");
});

Deno.test("formatAddress() puts IPv6 hosts in brackets", () => {
  assertEquals(formatAddress("10.0.0.2", 9999), "10.0.0.2:9999");
  assertEquals(formatAddress("::1", 9999), "[::1]:9999");
});

Deno.test("randomId() is 32 digits, and a new one each time", () => {
  const ids = Array.from({ length: 1000 }, randomId);
  for (const id of ids) assertMatch(id, /^[0-9a-f]{32}$/);
  assertEquals(new Set(ids).size, ids.length);
});
