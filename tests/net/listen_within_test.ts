/** The port that a process listens on. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { listenWithin } from "../../src/net/transport.ts";

/** Three ports in a row of which nobody has the first and the last; the one between them is held. */
function threePorts(): { from: number; held: Deno.TcpListener } {
  for (;;) {
    const held = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const from = held.addr.port - 1;
    try {
      for (const port of [from, from + 2]) Deno.listen({ hostname: "127.0.0.1", port }).close();
      return { from, held };
    } catch (error) {
      held.close();
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

Deno.test("listenWithin() takes any port, or a free one of those that it may take", () => {
  using any = listenWithin({ hostname: "127.0.0.1" }, (at) => Deno.listen(at));
  assert(any.addr.port > 0);
  const { from, held } = threePorts();
  const to = from + 2;
  // It begins at the one in the middle, which is taken, and goes round.
  using last = listenWithin(
    { hostname: "127.0.0.1", ports: [from, to] },
    (at) => Deno.listen(at),
    () => 0.5,
  );
  using first = listenWithin(
    { hostname: "127.0.0.1", ports: [from, to] },
    (at) => Deno.listen(at),
    () => 0.5,
  );
  assertEquals([last.addr.port, first.addr.port], [to, from]);
  for (const random of [0, 0.5, 0.999]) {
    const said = `all ports from ${from} to ${to} are taken`;
    assertThrows(
      () =>
        listenWithin(
          { hostname: "127.0.0.1", ports: [from, to] },
          (at) => Deno.listen(at),
          () => random,
        ),
      Error,
      said,
    );
  }
  held.close();
});
