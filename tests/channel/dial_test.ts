/** The settings of a connection before its first byte. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { testOver, TestRun } from "./pair.ts";

/** Records the calls on each connection that is dialled or accepted, until it is disposed. */
function recordCalls(): { readonly calls: string[][] } & Disposable {
  const calls: string[][] = [];
  const watch = (conn: Deno.TcpConn): void => {
    const mine: string[] = [];
    calls.push(mine);
    const { write, setNoDelay } = conn;
    conn.write = (bytes) => {
      mine.push("write");
      return write.call(conn, bytes);
    };
    conn.setNoDelay = (on) => {
      mine.push(`no-delay ${on}`);
      setNoDelay.call(conn, on);
    };
  };
  const { connect, listen } = Deno;
  Deno.connect = (async (options: Deno.ConnectOptions) => {
    const conn = await connect(options);
    watch(conn);
    return conn;
  }) as typeof Deno.connect;
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    const listener = listen(options);
    const { accept } = listener;
    listener.accept = async () => {
      const conn = await accept.call(listener);
      watch(conn);
      return conn;
    };
    return listener;
  }) as typeof Deno.listen;
  return { calls, [Symbol.dispose]: () => void Object.assign(Deno, { connect, listen }) };
}

testOver("tcp", "both ends of a connection set no-delay before their first byte", async () => {
  using recorded = recordCalls();
  using run = new TestRun();
  const [a, b] = [run.process(), run.process()];
  const receiver = b.receiver<number>(a);
  await a.sender<number>(b).send(7);
  assertEquals(await receiver.recv(), 7);
  assertEquals(recorded.calls.length >= 2, true);
  for (const calls of recorded.calls) assertEquals(calls.slice(0, 2), ["no-delay true", "write"]);
});
