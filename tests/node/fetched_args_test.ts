/** Arguments that stay with the node whose process spawns, and are fetched by the one that hosts the child. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { createLogger } from "../../src/core/logger.ts";
import { formatAddress } from "../../src/core/pid.ts";
import { MiB } from "../../src/core/resources.ts";
import type { HeldArg } from "../../src/core/roles.ts";
import { readOsProcess } from "../../src/host/os_process.ts";
import { type Clock, SYSTEM_CLOCK } from "../../src/net/clock.ts";
import { credentialOf, dialPart, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { TESTS } from "../../src/net/liveness.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { FetchedArgs } from "../../src/node/fetched_args.ts";
import { HeldArgs } from "../../src/node/held_args.ts";
import {
  FETCH_TO_NODE,
  type FetchToNode,
  NODE_TO_FETCH,
  type NodeToFetch,
} from "../../src/wire/arg_messages.ts";
import type { Transport } from "../../src/net/transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const credential = await credentialOf({ bytes: new Uint8Array(32).fill(1), open: false });
const logger = createLogger("error", () => {});

/** A node that serves the arguments it holds. */
class Holder implements AsyncDisposable {
  readonly held: HeldArgs;
  readonly server: PartServer;
  readonly #served: Promise<void>[] = [];

  /** @param serve What it does instead of serving. */
  constructor(serve = (conn: Transport): Promise<void> => this.held.serve(conn)) {
    this.server = new PartServer({
      address: { host: "127.0.0.1", port: 0 },
      credential,
      logger,
      handlers: { [Purpose.arg]: (conn) => this.#served.push(serve(conn)) },
    });
    this.held = new HeldArgs(this.address);
  }

  get address(): string {
    return formatAddress(this.server.address.host, this.server.address.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await Promise.all(this.#served);
  }
}

function fetching(ending = new AbortController()): { args: FetchedArgs; ending: AbortController } {
  const held = new HeldArgs("127.0.0.1:1");
  return { args: new FetchedArgs({ held, credential, signal: ending.signal }), ending };
}

/** Bytes of which all pieces are different. */
function distinct(size: number): Bytes {
  const bytes = new Uint8Array(size);
  const numbers = new Uint32Array(bytes.buffer, 0, size >> 2);
  for (let index = 0; index < numbers.length; index++) numbers[index] = index * 2_654_435_761;
  return bytes;
}

const get = (args: FetchedArgs, arg: HeldArg) => args.use(arg, (bytes) => Promise.resolve(bytes));

Deno.test("an argument is fetched as it is, whatever its size; and one that is here is not", async () => {
  await using holder = new Holder();
  const { args } = fetching();
  for (const size of [1, 5_000, 256 * 1024, 256 * 1024 + 1, 3_000_001]) {
    const bytes = distinct(size);
    using holding = disposable(holder.held.hold(bytes));
    const fetched = await get(args, holding.arg);
    assert(fetched.length === size && fetched.every((byte, index) => byte === bytes[index]));
    const own = new FetchedArgs({ ...{ held: holder.held, credential }, signal: never() });
    assert(await get(own, holding.arg) === bytes);
  }
  assertEquals(holder.held.size, 0);
  const carried = new Uint8Array([1]);
  assert(await args.use(carried, (bytes) => Promise.resolve(bytes)) === carried);
});

/** Measures by what this process has computed: a busy machine may let it wait for seconds. */
const OWN_CLOCK: Clock = {
  ...{ every: SYSTEM_CLOCK.every, after: SYSTEM_CLOCK.after },
  now: () => readOsProcess(Deno.pid)?.cpuMs ?? SYSTEM_CLOCK.now(),
};

Deno.test("200 MB are sent from node to node while another connection keeps its heartbeats", async () => {
  await using holder = new Holder();
  const { args } = fetching();
  const bytes = distinct(200 * 1_000_000);
  const { arg, release } = holder.held.hold(bytes);
  // As between a node and its master, but 2.5 s of silence end it, in which this process does nothing else.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const dialled = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const alive = [dialled, await accepting].map((conn) =>
    new MessageLink<{ type: "" }, never>(conn, { schema: {}, liveness: TESTS, clock: OWN_CLOCK })
  );
  const reading = alive.map((link) => Array.fromAsync(link.messages()));
  for (let round = 0; round < 3; round++) {
    const fetched = await get(args, arg);
    assertEquals(fetched.length, bytes.length);
    for (let at = 0; at < bytes.length; at += 997) assert(fetched[at] === bytes[at], `at ${at}`);
  }
  assert(alive.every((link) => !link.over), "nobody was taken for lost");
  for (const link of alive) link.drop();
  await Promise.all(reading);
  release();
});

Deno.test("fetching an argument fails if it was released, or its node is gone", async () => {
  let arg: HeldArg;
  {
    await using holder = new Holder();
    const { args } = fetching();
    const holding = holder.held.hold(distinct(10_000));
    arg = holding.arg;
    holding.release();
    const error = await assertRejects(
      () => get(args, arg),
      SpawnError,
      "the node no longer has it",
    );
    assertEquals(error.reason, "lost");
    const unknown = { ...arg, id: "../../etc/passwd" };
    await assertRejects(() => get(args, unknown), SpawnError, "the node no longer has it");
    const large = { ...arg, size: 2 ** 40 };
    await assertRejects(() => get(args, large), SpawnError, "it is 1099511627776 bytes long");
  }
  await assertRejects(() => get(fetching().args, arg), SpawnError, "nothing listens there");
  await assertRejects(() => get(fetching().args, { ...arg, node: "there" }), SpawnError, "address");
});

Deno.test("fetching fails if the node sends too much, or ends early", async () => {
  const bytes = new Uint8Array(10);
  const table: [string, NodeToFetch[]][] = [
    ["what the node sent is not 15 bytes long", [{ type: "arg", bytes }, { type: "arg", bytes }]],
    ["what the node sent is not 15 bytes long", [{ type: "arg", bytes: bytes.subarray(0, 0) }]],
    ["it closed the connection", [{ type: "arg", bytes }]],
  ];
  for (const [said, messages] of table) {
    await using holder = new Holder(async (conn) => {
      const link = new MessageLink<NodeToFetch, FetchToNode>(conn, {
        schema: FETCH_TO_NODE,
      });
      for await (const _ of link.messages()) {
        for (const message of messages) void link.send(message);
        await link.close();
      }
    });
    const arg = { node: holder.address, id: "any", size: 15 };
    await assertRejects(() => get(fetching().args, arg), SpawnError, said);
  }
});

Deno.test("fetches are aborted when the run ends", async () => {
  await using holder = new Holder(async (conn) => {
    await conn.read(new Uint8Array(100));
    ending.abort(new Error("the run is ending"));
    await conn.read(new Uint8Array(100)).catch(() => {});
    conn.close();
  });
  const { args, ending } = fetching();
  const arg = { node: holder.address, id: "any", size: 15 };
  await assertRejects(() => get(args, arg), SpawnError, "the run is ending");
  await assertRejects(() => get(args, arg), SpawnError, "the run is ending");
});

Deno.test("fetched arguments take at most 256 MiB at once, in the order of the requests", async () => {
  await using holder = new Holder();
  const { args } = fetching();
  const { arg, release } = holder.held.hold(distinct(100 * MiB));
  const small = holder.held.hold(distinct(5_000));
  const order: string[] = [];
  const done = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const use = (name: string, of: HeldArg, until: Promise<void>) =>
    args.use(of, () => {
      order.push(name);
      return until;
    });
  const first = use("first", arg, done[0]!.promise);
  const second = use("second", arg, done[1]!.promise);
  const third = use("third", arg, done[2]!.promise);
  const last = use("small", small.arg, Promise.resolve());
  while (order.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(order.toSorted(), ["first", "second"]);
  done[1]!.resolve();
  await second;
  await last;
  while (order.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(order.slice(2).toSorted(), ["small", "third"]);
  for (const { resolve } of done) resolve();
  await Promise.all([first, third]);
  release();
  small.release();
});

Deno.test("a connection may fetch only one argument", async () => {
  await using holder = new Holder();
  const conn = await dialPart(holder.server.address, Purpose.arg, credential);
  const link = new MessageLink<FetchToNode, NodeToFetch>(conn, {
    schema: NODE_TO_FETCH,
  });
  for (let count = 0; count < 2; count++) void link.send({ type: "fetch", id: "any" });
  await Array.fromAsync(link.messages());
  assert(link.over);
});

function never(): AbortSignal {
  return new AbortController().signal;
}

function disposable<Held extends { release(): void }>(holding: Held): Held & Disposable {
  return { ...holding, [Symbol.dispose]: () => holding.release() };
}
