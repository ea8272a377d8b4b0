// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { listenersAt, ownsPort } from "../../src/host/own_port.ts";

Deno.test("listenersAt() finds what listens at a port of loopback", () => {
  const line = (address: string, state: string, inode: number) =>
    `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0`;
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    line("0100007F:1F90", "0A", 11),
    line("0100007F:1F90", "01", 12),
    line("00000000:1F90", "0A", 13),
    line("0100007F:1F91", "0A", 14),
    "",
  ].join("\n");
  assertEquals(listenersAt(8080, table), new Set(["11"]));
  assertEquals(listenersAt(80, table), new Set());
});

Deno.test("a port is that of the process that listens at it, and of no other", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(ownsPort(Deno.pid, listener.addr.port), true);
  if (Deno.build.os !== "linux") return;
  assertEquals(ownsPort(1, listener.addr.port), false);
  assertEquals(ownsPort(Deno.pid, 1), false);
});
