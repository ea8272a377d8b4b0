/** Which sockets of /proc/net/tcp listen, and where. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { listeningPorts, parseListening } from "../../src/testing/listening_ports.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid";
const REST = "00000000:00000000 00:00000000 00000000     0        0";

Deno.test("parseListening() gives the addresses of those sockets that listen", () => {
  const cases: [local: string, state: string, inode: string, expected: string[]][] = [
    ["0100007F:1F40", "0A", "7", ["127.0.0.1:8000"]],
    ["00000000:07E8", "0A", "7", ["0.0.0.0:2024"]],
    ["00000000000000000000000001000000:0050", "0A", "7", ["[::1]:80"]],
    ["B80D0120000000000000000001000000:270F", "0A", "7", ["[2001:db8::1]:9999"]],
    // A connection, and another process's socket.
    ["0100007F:1F40", "01", "7", []],
    ["0100007F:1F40", "0A", "8", []],
  ];
  for (const [local, state, inode, expected] of cases) {
    const text =
      `${HEAD}\n   0: ${local} 00000000:0000 ${state} ${REST} ${inode} 1 0000 100 0 0 10 0\n`;
    assertEquals(parseListening(text, new Set(["7"])), expected, local);
  }
});

Deno.test({
  name: "listeningPorts() gives those of a process, and none once they are closed",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const own = async (address: string) =>
      (await listeningPorts(Deno.pid)).filter((each) => each === address);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${listener.addr.port}`;
    assertEquals(await own(address), [address]);
    listener.close();
    assertEquals(await own(address), []);
  },
});
