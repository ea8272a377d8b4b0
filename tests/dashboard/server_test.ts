/** What the server of a dashboard answers to requests that no browser makes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { Dashboard } from "../../src/dashboard/server.ts";
import { ManyWatched } from "./many_watched.ts";

Deno.test("a request for another name, or for none that can be one, is refused", async () => {
  const assets = () => Promise.reject(new Error("nobody is to get the page"));
  const options = { watched: new ManyWatched(), port: 0, assets, onLink: () => {} };
  const server = new Dashboard(options);
  const table: [host: string, status: RegExp][] = [
    [`127.0.0.1:${server.port}`, /^HTTP\/1\.1 403 /],
    ["evil.example", /^HTTP\/1\.1 421 /],
    [`127.0.0.1:${server.port}/x`, /^HTTP\/1\.1 421 /],
    ["<script>", /^HTTP\/1\.1 400 /],
    ["[::1", /^HTTP\/1\.1 400 /],
    [`127.0.0.1 :${server.port}`, /^HTTP\/1\.1 400 /],
  ];
  for (const [host, status] of table) {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const request = `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    await conn.write(new TextEncoder().encode(request));
    const parts: string[] = [];
    const [decoder, buffer] = [new TextDecoder(), new Uint8Array(4_096)];
    for (let count; (count = await conn.read(buffer)) !== null;) {
      parts.push(decoder.decode(buffer.subarray(0, count), { stream: true }));
    }
    assertMatch(parts.join(""), status);
    assertEquals(parts.join("").includes("<script"), false);
  }
  await server.close();
});
