/** Requests that come to the small servers: of metrics, of a dashboard, of processes that are debugged. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { answerBytes, isForLoopback, parseHead, readHead } from "../../src/net/http.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (from: Uint8Array) => new TextDecoder("latin1").decode(from);
const request = (...headers: string[]) =>
  bytes(["GET /json HTTP/1.1", ...headers, "", "Host: localhost"].join("\r\n"));

/** A connection from which these bytes come, in pieces of that size. */
function coming(all: Uint8Array, size: number) {
  let at = 0;
  return {
    read: (buffer: Uint8Array) => {
      const piece = all.subarray(at, at + Math.min(size, buffer.length));
      at += piece.length;
      buffer.set(piece);
      return Promise.resolve(piece.length === 0 ? null : piece.length);
    },
  };
}

Deno.test("readHead() reads until an empty line, whatever the pieces are", async () => {
  const short = bytes("GET / HTTP/1.1\r\n\rHost: a\r\n\r\n");
  const long = bytes(`GET / HTTP/1.1\r\nx: ${"y".repeat(5_000)}\r\n\r\n`);
  for (const head of [short, long]) {
    for (const size of [1, 2, 3, 4, 5, 1_000, 100_000]) {
      assertEquals(await readHead(coming(head, size)), head);
    }
    const more = new Uint8Array([...head, 1, 2, 3]);
    assertEquals((await readHead(coming(more, 100_000))).subarray(0, head.length), head);
  }
});

Deno.test("readHead() refuses a head that is too long, or that ends before", async () => {
  const endless = bytes("GET / HTTP/1.1\r\n" + "x: y\r\n".repeat(100_000));
  await assertRejects(() => readHead(coming(endless, 999)), Error, "longer than 16384 bytes");
  const cut = bytes("GET / HTTP/1.1\r\n\r");
  await assertRejects(() => readHead(coming(cut, 999)), Deno.errors.UnexpectedEof);
});

Deno.test("parseHead() gives the parts of a request, and nothing of what is none", () => {
  const head = parseHead(bytes("GET /a?b HTTP/1.1\r\nCOOKIE: a=b \r\nx:\r\nX: 2\r\n\r\nrest"));
  assertEquals([head?.method, head?.target, text(head!.rest)], ["GET", "/a?b", "rest"]);
  assertEquals(Object.fromEntries(head!.headers), { cookie: "a=b", x: ", 2" });
  const none = [
    "GET / HTTP/1.1\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP/2\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET /a b HTTP/1.1\r\n\r\n",
    "get / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nno header\r\n\r\n",
    "GET / HTTP/1.1\r\n folded: a\r\n\r\n",
    "GET / HTTP/1.1\r\nhost : a\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
  ];
  for (const each of none) assertEquals(parseHead(bytes(each)), undefined, each);
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
    [["Host: localhost", "Host: localhost"], false],
    [["Host: localhost:9229@evil.example"], false],
    [["X-Host: localhost"], false],
    [["Host:"], false],
  ];
  for (const [headers, expected] of table) {
    assertEquals(isForLoopback(parseHead(request(...headers))!), expected, headers.join(" | "));
  }
});

Deno.test("answerBytes() says how long the answer is, and that it is the only one", () => {
  const answer = { status: "200 OK", headers: { "content-type": "text/plain" }, body: "ä\n" };
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n" +
    "connection: close\r\n\r\n";
  assertEquals(answerBytes(answer), bytes(`${head}ä\n`));
  assertEquals(answerBytes(answer, { withoutBody: true }), bytes(head));
});
