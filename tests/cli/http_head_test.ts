/** Requests that come to the port of a process that is debugged. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { isForLoopback, isWholeHead } from "../../src/cli/http_head.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const request = (...headers: string[]) =>
  bytes(["GET /json HTTP/1.1", ...headers, "", "Host: localhost"].join("\r\n"));

Deno.test("a head ends with an empty line", () => {
  assertEquals(isWholeHead(bytes("GET / HTTP/1.1\r\nHost: a\r\n")), false);
  assertEquals(isWholeHead(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore")), true);
});

Deno.test("only requests for this machine are passed on", () => {
  const table: [headers: string[], expected: boolean][] = [
    [["Host: 127.0.0.1:9229"], true],
    [["host:localhost", "Accept: */*"], true],
    [["HOST: [::1]:9229 "], true],
    [["Accept: */*"], false],
    [["Host: evil.example:9229"], false],
    [["Host: 127.0.0.1.evil.example"], false],
    [["Host: localhost", "Host: evil.example"], false],
    [["Host: localhost:9229@evil.example"], false],
    [["X-Host: localhost"], false],
    [["Host:"], false],
  ];
  for (const [headers, expected] of table) {
    assertEquals(isForLoopback(request(...headers)), expected, headers.join(" | "));
  }
});
