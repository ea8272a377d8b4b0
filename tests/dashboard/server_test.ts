/** What the server of a dashboard does with connections and requests that are no browser's. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Dashboard, type DashboardOptions } from "../../src/dashboard/server.ts";
import { ManyWatched } from "./many_watched.ts";

const PAGE = { html: "<title>deploy</title>", script: "", style: "", icon: "" };

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** A server, with the links that it has given. */
class Served implements AsyncDisposable {
  readonly links: URL[] = [];
  readonly server: Dashboard;

  constructor(options: Partial<DashboardOptions> = {}) {
    this.server = new Dashboard({
      watched: new ManyWatched(),
      port: 0,
      assets: () => Promise.resolve(PAGE),
      onLink: (link) => this.links.push(new URL(link)),
      ...options,
    });
  }

  get origin(): string {
    return this.links[0]!.origin;
  }

  connect(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.server.port });
  }

  /** The whole of what is answered to these lines, until the server closes the connection. */
  async ask(...lines: string[]): Promise<string> {
    using conn = await this.connect();
    await write(conn, ...lines);
    return await readAll(conn);
  }

  /** Goes in by the first link, and gives the cookie. */
  async enter(): Promise<string> {
    const [link] = this.links;
    const answer = await this.ask(`GET ${link!.pathname}${link!.search} HTTP/1.1`, this.host);
    const [, cookie] = /^set-cookie: (.*?);/m.exec(answer) ?? [];
    assert(cookie, answer);
    return `cookie: ${cookie}`;
  }

  /** As a browser writes it. */
  get host(): string {
    return `host: 127.0.0.1:${this.server.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close();
  }
}

async function write(conn: Deno.Conn, ...lines: string[]): Promise<void> {
  await conn.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
}

async function readAll(conn: Deno.Conn): Promise<string> {
  return await new Response(conn.readable).text();
}

/** Reads until such a text has come. */
async function readUntil(conn: Deno.Conn, text: string): Promise<string> {
  const [decoder, buffer] = [new TextDecoder("latin1"), new Uint8Array(4_096)];
  let read = "";
  while (!read.includes(text)) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error(`the end came after ${read}`);
    read += decoder.decode(buffer.subarray(0, count));
  }
  return read;
}

/** Resolves when the server has closed it. */
async function closed(conn: Deno.Conn): Promise<void> {
  try {
    while (await conn.read(new Uint8Array(4_096)) !== null);
  } catch (error) {
    // It was closed with bytes that the server had not read.
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}

Deno.test("a request for another name, or for none that can be one, is refused, and its connection closed", async () => {
  await using served = new Served();
  const { port } = served.server;
  const table: [host: string, status: RegExp][] = [
    [`127.0.0.1:${port}`, /^HTTP\/1\.1 403 /],
    ["evil.example", /^HTTP\/1\.1 421 /],
    [`127.0.0.1:${port}/x`, /^HTTP\/1\.1 421 /],
    ["<script>", /^HTTP\/1\.1 400 /],
    ["[::1", /^HTTP\/1\.1 400 /],
    [`127.0.0.1 :${port}`, /^HTTP\/1\.1 400 /],
    [`127.0.0.1:${port}\r\nhost: 127.0.0.1:${port}`, /^HTTP\/1\.1 400 /],
  ];
  for (const [host, status] of table) {
    const answer = await served.ask("GET / HTTP/1.1", `host: ${host}`, "connection: keep-alive");
    assertMatch(answer, status);
    assertEquals(answer.includes("<script"), false);
  }
  assertMatch(await served.ask("\x16\x03\x01\x02"), /^HTTP\/1\.1 400 /);
});

Deno.test("the browser with the link gets the page and its messages; others no more than their places", async () => {
  await using served = new Served({ strangers: { max: 8, timeoutMs: 60_000 } });
  const strangers: Deno.TcpConn[] = [];
  try {
    for (let count = 0; count < 20; count++) {
      const conn = await served.connect();
      strangers.push(conn);
      if (count % 2 === 0) await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nx: "));
    }
    await Promise.all(strangers.slice(0, 12).map(closed));

    const cookie = await served.enter();
    const page = await served.ask("GET /runs/many HTTP/1.1", served.host, cookie);
    assertMatch(page, /^HTTP\/1\.1 200 OK\r\n/);
    assertStringIncludes(page, "content-security-policy: default-src 'none'");
    assert(page.endsWith(`\r\n\r\n${PAGE.html}`));

    using socket = await served.connect();
    const lines = [`origin: ${served.origin}`, "connection: Upgrade", "upgrade: websocket"];
    const version = "sec-websocket-version: 13";
    const asks = ["GET /socket HTTP/1.1", served.host, cookie, ...lines, version];
    await write(socket, ...asks, `sec-websocket-key: ${KEY}`);
    const begin = await readUntil(socket, `"title":"many"`);
    assertMatch(begin, /^HTTP\/1\.1 101 /);
    // While it is open, others come.
    for (let count = 0; count < 20; count++) strangers.push(await served.connect());
    await Promise.all(strangers.slice(0, -8).map(closed));
    await readUntil(socket, `"type":"cluster"`);
    // One that is no WebSocket is told so.
    assertMatch(await served.ask(...asks), /^HTTP\/1\.1 400 /);
  } finally {
    for (const conn of strangers) conn.close();
  }
});

Deno.test("who shows nothing, or does not take the answer, is not there for longer than its time", async () => {
  await using served = new Served({ strangers: { max: 100, timeoutMs: 20 } });
  const all: Deno.TcpConn[] = [];
  for (const lines of [[], ["GET / HTTP/1.1"], ["GET / HTTP/1.1", served.host, "", ""]]) {
    const conn = await served.connect();
    all.push(conn);
    if (lines.length > 0) await conn.write(new TextEncoder().encode(lines.join("\r\n")));
  }
  await Promise.all(all.map(closed));
  // This side has not closed them.
  for (const conn of all) conn.close();
});
