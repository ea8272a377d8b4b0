// @ts-types="../../types/std_assert.d.ts"
import { assertRejects } from "@std/assert";
import { connect } from "../../src/net/transport.ts";

/** A listener, and where it listens. */
function listen(): {
  readonly listener: Deno.TcpListener;
  readonly hostname: string;
  readonly port: number;
} {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { listener, hostname: "127.0.0.1", port: listener.addr.port };
}

Deno.test({
  name: "connect() on a Unix socket waits for its turn while more others do than the system keeps",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = await Deno.makeTempDir({ dir: "/tmp" });
    const listener = Deno.listen({ transport: "unix", path: `${folder}/socket` });
    const conns: Deno.Conn[] = [];
    const isFull = (error: unknown) => {
      if (error instanceof Deno.errors.WouldBlock) return true;
      throw error;
    };
    for (let full = false; !full;) {
      const connecting = Deno.connect({ transport: "unix", path: `${folder}/socket` });
      full = await connecting.then((conn) => void conns.push(conn), isFull) ?? false;
    }
    const { connect: real } = Deno;
    const refused = Promise.withResolvers<void>();
    // Its first attempt has failed when the place becomes free.
    const watched = (to: Deno.UnixConnectOptions) =>
      real(to).catch((error) => {
        refused.resolve();
        throw error;
      });
    Object.assign(Deno, { connect: watched });
    try {
      const connecting = connect({ path: `${folder}/socket` });
      connecting.catch(() => {}); // awaited below
      await refused.promise;
      conns.push(await listener.accept());
      (await connecting).close();
    } finally {
      Object.assign(Deno, { connect: real });
    }
    for (const each of [...conns, listener]) each.close();
    await Deno.remove(folder, { recursive: true });
  },
});

// One way in which a part that chaos had frozen could keep a socket: its time was up while it was frozen.
Deno.test("connect() closes a connection that is there just when it is given up", async () => {
  const { listener, ...to } = listen();
  const { connect: real } = Deno;
  const giving = new AbortController();
  let made: Deno.TcpConn | undefined;
  // As Deno 2.9 does, and at that moment.
  const late = async ({ signal, ...to }: Deno.ConnectOptions): Promise<Deno.TcpConn> => {
    made = await real(to);
    giving.abort(new Error("given up"));
    signal?.throwIfAborted();
    return made;
  };
  Object.assign(Deno, { connect: late });
  try {
    await assertRejects(() => connect(to, giving.signal), Error, "given up");
  } finally {
    Object.assign(Deno, { connect: real });
  }
  listener.close();
  await assertRejects(() => made!.write(new Uint8Array(1)), Deno.errors.BadResource);
});

Deno.test("connect() that is given up before, or while it waits, fails for the reason of its signal", async () => {
  const { listener, ...to } = listen();
  const reason = new Error("given up");
  await assertRejects(() => connect(to, AbortSignal.abort(reason)), Error, "given up");
  const giving = new AbortController();
  const connecting = connect(to, giving.signal);
  giving.abort(reason);
  await assertRejects(() => connecting, Error, "given up");
  listener.close();
});
