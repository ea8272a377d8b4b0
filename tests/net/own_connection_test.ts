/** Whose a connection to a dashboard is. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type End, isOwnConnection, userOfConnection } from "../../src/net/own_connection.ts";

const SERVER = { hostname: "127.0.0.1", port: 4100 };
const HEADING =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

function row(local: string, peer: string, state: string, uid: number): string {
  return `   0: ${local} ${peer} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 4711 1 0 20 4 30 10 -1\n`;
}

const [OWN, CLIENT] = ["0100007F:1004", "0200007F:9C40"];
const FROM: End = { hostname: "127.0.0.2", port: 40_000 };
const LISTENER = row(OWN, "00000000:0000", "0A", 1000);
const OUR_END = row(OWN, CLIENT, "01", 1000);
const MAPPED = "0000000000000000FFFF0000";

Deno.test("userOfConnection() gives the user at the other end, who must have it open", () => {
  const table: [name: string, rows: string[], user: number | null | undefined][] = [
    ["another user", [OUR_END, row(CLIENT, OWN, "01", 1001)], 1001],
    ["a socket of IPv6", [OUR_END, row(MAPPED + CLIENT, MAPPED + OWN, "01", 1001)], 1001],
    // Linux may say then that it is root's.
    ["closed", [OUR_END, row(CLIENT, OWN, "05", 0)], null],
    ["gone", [OUR_END], null],
    // What it had sent can be read all the same.
    ["reset", [LISTENER], null],
    ["another port", [OUR_END, row("0200007F:9C41", OWN, "01", 1001)], null],
    ["a system that lists none", [], undefined],
  ];
  for (const [name, rows, user] of table) {
    assertEquals(userOfConnection(HEADING + rows.join(""), FROM, SERVER), user, name);
  }
});

Deno.test({
  name: "userOfConnection() finds a connection of this process in the tables of Linux",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    using accepted = await listener.accept();
    using _conn = await connecting;
    const [from, to] = [accepted.remoteAddr, accepted.localAddr];
    const tables = ["tcp", "tcp6"].map((name) => Deno.readTextFileSync(`/proc/net/${name}`));
    assertEquals(userOfConnection(tables.join(""), from, to), Deno.uid());
    assertEquals(await isOwnConnection(accepted), true);
  },
});
