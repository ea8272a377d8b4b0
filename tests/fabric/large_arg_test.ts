/** A large argument goes from node to node, and not through the master. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Fabric } from "./cluster.ts";
import { Deployed } from "./deployed.ts";

/** Forwards connections to a port of this machine, and counts the bytes of both directions. */
class CountingRelay implements AsyncDisposable {
  bytes = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #passing: Promise<void>;
  readonly #conns: Deno.Conn[] = [];

  constructor(target: number) {
    this.#passing = this.#acceptAll(target);
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    await this.#passing;
  }

  async #acceptAll(target: number): Promise<void> {
    const pumps: Promise<void>[] = [];
    try {
      for await (const conn of this.#listener) {
        const other = await Deno.connect({ hostname: "127.0.0.1", port: target });
        this.#conns.push(conn, other);
        pumps.push(this.#pump(conn, other), this.#pump(other, conn));
      }
    } finally {
      await Promise.all(pumps);
    }
  }

  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        this.bytes += count;
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
    } catch {
      // One of the two is gone, and the other one is about to be.
    }
  }
}

const PROGRAM = `
import { GiB, init, spawn, wait } from "deploy";
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
async function take(_parent: unknown, arg: { bytes: Uint8Array<ArrayBuffer>; note: string }) {
  console.log(arg.note + " took " + arg.bytes.length + " " + await digest(arg.bytes));
}
await init({ functions: { take }, resources: { mem: 0.9 * GiB, cpu: 0 } });
const bytes = new Uint8Array(200_000_000);
for (let at = 0; at < bytes.length; at += 65_536) {
  crypto.getRandomValues(bytes.subarray(at, at + 65_536));
}
const expected = await digest(bytes);
const far = await spawn(take, { bytes, note: "far" }, { mem: 3 * GiB });
await wait(far);
const near = await spawn(take, { bytes: bytes.subarray(0, 1_000_000), note: "near" }, { mem: 1 });
await wait(near);
console.log("expected " + expected);
`;

// With the times of a real cluster: where both cores are busy, a node that takes so much over TLS has been
// silent for longer than the 2.5 s that a part has in other tests.
Deno.test("an argument of 200 MB reaches a process on another node, and the master's link carries none of it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-cluster-" });
  try {
    await using node = new Fabric(["127.0.0.1:0", "--store", `${folder}/1`]);
    const port = Number((await node.ready("node")).split(":")[1]);
    await using relay = new CountingRelay(port);
    const args = ["master", "127.0.0.1:0", "1GiB", "4", "bridge", "127.0.0.1:0"];
    await using master = new Fabric(
      [...args, relay.address, "8GiB", "4", "--store", `${folder}/0`],
    );
    const bridge = await master.ready("bridge");
    await master.line(new RegExp(`node ${relay.address.replaceAll(".", "\\.")} is there`));
    await using program = await Deployed.start(bridge, PROGRAM);
    assertEquals(await program.code, 0, program.stderr);
    const { text } = program;
    const [, expected] = /^expected (\w+)$/m.exec(text) ?? [];
    assert(text.includes(`far took 200000000 ${expected}\n`), text);
    assert(/^near took 1000000 /m.test(text), text);
    assertEquals(new Set(nodesOf(program)).size, 2, "both nodes had a process");
    assert(relay.bytes < 64 * 1024, `${relay.bytes} bytes went between the master and the node`);
    assertEquals(master.err.filter((line) => line.includes("did not answer")), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function nodesOf({ events }: Deployed): unknown[] {
  return events.flatMap((event) => event.event === "spawn" ? [event.node] : []);
}
