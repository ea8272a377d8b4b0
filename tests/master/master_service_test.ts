/** A master over real connections, with scripted nodes and a scripted bridge. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { formatAddress, makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { GiB, type Resources } from "../../src/core/resources.ts";
import { MasterService } from "../../src/master/master_service.ts";
import {
  type BridgeToMaster,
  MASTER_TO_BRIDGE,
  type MasterToBridge,
} from "../../src/wire/bridge_messages.ts";
import { credentialOf, dialPart, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/handshake.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  type JoinToMaster,
  MASTER_TO_JOIN,
  MASTER_TO_NODE,
  type MasterToJoin,
  type MasterToNode,
  type NodeToMaster,
} from "../../src/wire/node_messages.ts";

const credential = await credentialOf({ bytes: new Uint8Array(32), open: true });
const LOCAL = { host: "127.0.0.1", port: 0 };
const KEY = new Uint8Array(32);

/** One end of a link, whose messages are found by their types. */
class End<Out extends { type: string }, In extends { type: string }> {
  readonly link: MessageLink<Out, In>;
  readonly #messages: AsyncGenerator<In>;
  /** Messages that arrived while another one was expected. */
  #others: In[] = [];

  constructor(link: MessageLink<Out, In>) {
    this.link = link;
    this.#messages = link.messages();
  }

  send(message: Out): void {
    void this.link.send(message);
  }

  /** The next message of that type; others may have arrived before it. */
  async next<Type extends In["type"]>(type: Type): Promise<Extract<In, { type: Type }>> {
    type Wanted = Extract<In, { type: Type }>;
    const index = this.#others.findIndex((message) => message.type === type);
    if (index >= 0) return this.#others.splice(index, 1)[0] as Wanted;
    for (;;) {
      const { value } = await this.#messages.next();
      assert(value !== undefined, `the link ended, and no "${type}" came`);
      if (value.type === type) return value as Wanted;
      this.#others.push(value);
    }
  }
}

type NodeEnd = End<NodeToMaster, MasterToNode>;
type BridgeEnd = End<BridgeToMaster, MasterToBridge>;

/** A node that accepts every master. */
class FakeNode implements AsyncDisposable {
  readonly server: PartServer;
  readonly name: string;
  readonly #ends: NodeEnd[] = [];
  #connections: NodeEnd[] = [];
  #changed = Promise.withResolvers<void>();

  constructor() {
    this.server = new PartServer({
      address: LOCAL,
      credential,
      logger: createLogger("error", () => {}),
      handlers: {
        [Purpose.node]: (conn) => {
          const options = { schema: MASTER_TO_NODE };
          const end: NodeEnd = new End(new MessageLink(conn, options));
          this.#connections.push(end);
          this.#ends.push(end);
          this.#changed.resolve();
        },
      },
    });
    this.name = formatAddress(this.server.address.host, this.server.address.port);
  }

  /** The next connection of a master, which adopts the node; it answers with `own` resources. */
  async adopted(own: Resources = { mem: GiB, cpu: 1 }): Promise<NodeEnd> {
    while (this.#connections.length === 0) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
    const end = this.#connections.shift()!;
    const { address, resources } = await end.next("adopt");
    assertEquals(address, this.name);
    end.send({ type: "adopted", resources: resources ?? own });
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    for (const { link } of this.#ends) link.drop();
    await settled();
  }
}

/** By then, dropped connections are closed. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
}

interface Testbed extends AsyncDisposable {
  readonly master: MasterService;
  readonly log: { line(part: string): Promise<string> };
  bridge(): Promise<BridgeEnd>;
  join(address: string, mem?: number): Promise<End<JoinToMaster, MasterToJoin>>;
}

function startMaster(): Testbed {
  const lines: string[] = [];
  let changed = Promise.withResolvers<void>();
  const logger = createLogger("info", (line) => {
    lines.push(line);
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const master = new MasterService({ credential, logger });
  const server = new PartServer({
    address: LOCAL,
    credential,
    logger,
    handlers: {
      [Purpose.bridge]: (conn, remote) => master.acceptBridge(conn, remote),
      [Purpose.join]: (conn, remote) => master.acceptJoin(conn, remote),
    },
  });
  const links: { drop(): void }[] = [];
  let read = 0;
  const line = async (part: string): Promise<string> => {
    for (;;) {
      while (read === lines.length) await changed.promise;
      const found = lines[read++]!;
      if (found.includes(part)) return found;
    }
  };
  return {
    master,
    log: { line },
    bridge: async () => {
      const conn = await dialPart(server.address, Purpose.bridge, credential);
      const bridge: BridgeEnd = new End(
        new MessageLink(conn, { schema: MASTER_TO_BRIDGE }),
      );
      links.push(bridge.link);
      bridge.send({ type: "bridge", address: "127.0.0.1:8888" });
      return bridge;
    },
    join: async (address, mem = GiB) => {
      const conn = await dialPart(server.address, Purpose.join, credential);
      const node = new End<JoinToMaster, MasterToJoin>(
        new MessageLink(conn, { schema: MASTER_TO_JOIN }),
      );
      links.push(node.link);
      node.send({ type: "join", address, resources: { mem, cpu: 1 } });
      return node;
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      master.close();
      for (const link of links) link.drop();
      await settled();
    },
  };
}

const newPid = (): Pid => makePid(randomId(), "127.0.0.1", 4100);
const spawnOf = (run: string, parent: Pid, request: number, mem: number, wait = true) => ({
  ...{ type: "spawn" as const, request, run, wait, parent, function: "work", name: "worker 7" },
  ...{ arg: new Uint8Array(), resources: { mem, cpu: 0 }, cwd: null, env: null },
});

/** Has the bridge begin a run on the node; returns its first process. */
async function begin(bridge: BridgeEnd, node: NodeEnd, run: string, mem = 0): Promise<Pid> {
  bridge.send({ type: "open", run, key: KEY });
  bridge.send({ type: "first", request: 1, run, name: "main.ts", resources: { mem, cpu: 0 } });
  assertEquals((await node.next("open")).bridge, "127.0.0.1:8888");
  const launch = await node.next("launch");
  assertEquals([launch.parent, launch.function, launch.name], [null, null, "main.ts"]);
  assertEquals(launch.resources.mem, mem);
  const pid = newPid();
  node.send({ type: "launched", request: launch.request, pid });
  assertEquals((await bridge.next("launched")).pid, pid);
  return pid;
}

Deno.test("a run ends when its last process has ended, and its node is told to close it", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1");
  end.send(spawnOf("r1", first, 1, 100));
  const launch = await end.next("launch");
  const second = newPid();
  end.send({ type: "launched", request: launch.request, pid: second });
  assertEquals((await end.next("spawned")).pid, second);
  end.send({ type: "wait", request: 2, run: "r1", pid: second });
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  end.send({ type: "exited", run: "r1", pid: second, status: { code: 3 } });
  assertEquals((await end.next("ended")).status, { code: 3 });
  assertEquals((await end.next("close")).run, "r1");
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 2 });
  end.send({ type: "wait", request: 3, run: "r1", pid: second });
  assertEquals((await end.next("failed")).reason, "lost");
});

Deno.test("a node whose resources are left out lends what it says", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, undefined);
  const bridge = await testbed.bridge();
  bridge.send({ type: "where", request: 1, resources: { mem: 3 * GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, null, "it may have room, and is not there yet");
  await node.adopted({ mem: 2 * GiB, cpu: 1 });
  await testbed.log.line(`node ${node.name} is there, with 2 GiB and 1 core`);
  bridge.send({ type: "where", request: 2, resources: { mem: 2 * GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, node.name);
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({
    type: "first",
    request: 4,
    run: "r1",
    name: "a",
    resources: { mem: 3 * GiB, cpu: 1 },
  });
  assertEquals((await bridge.next("failed")).reason, "unsatisfiable");
});

Deno.test("a node that says it lends nothing is dropped", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, undefined);
  await node.adopted({ mem: 0, cpu: 1 });
  await testbed.log.line(`waiting for node ${node.name}: a node cannot have 0 bytes and 1 cores`);
});

Deno.test("an ended process's resources are free for another run, once", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  for (const run of ["r2", "r3"]) {
    bridge.send({ type: "open", run, key: KEY });
    bridge.send({
      type: "first",
      request: 2,
      run,
      name: "main.ts",
      resources: { mem: GiB, cpu: 0 },
    });
  }
  bridge.send({ type: "where", request: 9, resources: { mem: 1, cpu: 0 } });
  assertEquals((await bridge.next("fits")).node, null);
  for (let twice = 0; twice < 2; twice++) {
    end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  }
  assertEquals((await bridge.next("over")).run, "r1");
  await end.next("close");
  assertEquals((await end.next("open")).run, "r2");
  const launch = await end.next("launch");
  end.send({ type: "failed", request: launch.request, reason: "not-started", message: "no" });
  // Processes that were not started have released their resources, too.
  assertEquals((await bridge.next("failed")).reason, "not-started");
  assertEquals(await bridge.next("over"), { type: "over", run: "r2", processes: 0 });
  await end.next("close");
  assertEquals((await end.next("open")).run, "r3");
});

Deno.test("a lost node's processes are reported as lost, in the order of their starts", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB / 2);
  end.send(spawnOf("r1", first, 1, GiB / 2));
  const launch = await end.next("launch");
  const second = newPid();
  end.send({ type: "launched", request: launch.request, pid: second });
  await end.next("spawned");
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({
    type: "first",
    request: 2,
    run: "r2",
    name: "main.ts",
    resources: { mem: GiB, cpu: 0 },
  });
  bridge.send({ type: "where", request: 9, resources: { mem: 1, cpu: 0 } });
  await bridge.next("fits");
  end.link.drop();
  const why = `node ${node.name} closed the connection`;
  const run = "r1";
  const lost = { type: "lost" as const, run, node: node.name, why };
  const main = { pid: first, parent: null, name: "main.ts" };
  const worker = { pid: second, parent: first, name: "worker 7" };
  assertEquals(await bridge.next("lost"), { ...lost, ...main });
  assertEquals(await bridge.next("lost"), { ...lost, ...worker });
  assertEquals(await bridge.next("over"), { type: "over", run, processes: 2 });
  await testbed.log.line(`${why}; 2 of its processes are lost`);
  // The waiting request continues to wait, and gets the whole node when it is back.
  const back = await node.adopted();
  assertEquals((await back.next("open")).run, "r2");
  assertEquals((await back.next("launch")).resources.mem, GiB);
});

Deno.test("ending a run cancels waiting spawns, and is done when all processes have ended", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  end.send(spawnOf("r1", first, 1, GiB));
  end.send(spawnOf("r1", first, 2, GiB, false));
  const full = await end.next("failed");
  assertEquals([full.request, full.reason], [2, "no-capacity"]);
  bridge.send({ type: "end", run: "r1", signal: "SIGTERM", graceMs: 500 });
  const failed = await end.next("failed");
  assertEquals([failed.request, failed.reason], [1, "lost"]);
  const stop = { type: "stop", run: "r1", signal: "SIGTERM", graceMs: 500 } as const;
  assertEquals(await end.next("stop"), stop);
  end.send(spawnOf("r1", first, 3, 0));
  assertEquals((await end.next("failed")).reason, "lost");
  end.send({ type: "exited", run: "r1", pid: first, status: { signal: "SIGKILL" } });
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 1 });
});

Deno.test("ending a run that has not started is done at once", async () => {
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "end", run: "r1", signal: "SIGKILL", graceMs: 0 });
  assertEquals(await bridge.next("over"), { type: "over", run: "r1", processes: 0 });
});

Deno.test("the runs of a bridge end with it, and those of another bridge do not", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const [one, two] = [await testbed.bridge(), await testbed.bridge()];
  await begin(one, end, "r1");
  const other = await begin(two, end, "r2");
  one.link.drop();
  const stop = { type: "stop", run: "r1", signal: "SIGTERM", graceMs: 3_000 } as const;
  assertEquals(await end.next("stop"), stop);
  end.send({ type: "exited", run: "r2", pid: other, status: { code: 0 } });
  assertEquals((await two.next("over")).run, "r2");
});

Deno.test("a spawn that is cancelled does not wait, and takes no room", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1", GiB);
  end.send(spawnOf("r1", first, 1, GiB));
  end.send({ type: "cancel", request: 1 });
  const { request, reason } = await end.next("failed");
  assertEquals([request, reason], [1, "lost"]);
  end.send({ type: "exited", run: "r1", pid: first, status: { code: 0 } });
  assertEquals((await bridge.next("over")).processes, 1);
});

Deno.test("nothing more is placed on a leaving node, and its processes end in order", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  const bridge = await testbed.bridge();
  const first = await begin(bridge, end, "r1");
  end.send({ type: "leaving" });
  end.send(spawnOf("r1", first, 1, 0, false));
  assertEquals((await end.next("failed")).reason, "no-capacity");
  end.send({ type: "exited", run: "r1", pid: first, status: { signal: "SIGKILL" } });
  assertEquals((await bridge.next("over")).processes, 1);
});

Deno.test("a joining node is dialled, and removed when it and its announcement are gone", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  const announcement = await testbed.join(node.name);
  await announcement.next("joined");
  const end = await node.adopted();
  await testbed.log.line(`node ${node.name} is there`);
  bridge.send({ type: "where", request: 1, resources: { mem: GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, node.name);
  end.link.drop();
  // It is dialled again as long as it is announced.
  const again = await node.adopted();
  announcement.link.drop();
  again.link.drop();
  for (;;) {
    bridge.send({ type: "where", request: 2, resources: { mem: GiB, cpu: 1 } });
    if ((await bridge.next("fits")).message.includes("the cluster has no nodes")) break;
    // The two ends are noticed independently.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
});

Deno.test("a node cannot join with a malformed address, or resources too large to count", async () => {
  await using testbed = startMaster();
  for (const address of ["here", "127.0.0.1:0"]) {
    assert((await (await testbed.join(address)).next("refused")).why.includes("not an address"));
  }
  const refused = await (await testbed.join("127.0.0.1:7001", 1e300)).next("refused");
  assert(refused.why.includes("a node cannot have"), refused.why);
});

Deno.test("a node or bridge that violates the protocol is dropped, with one line", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  end.send({ type: "adopted", resources: { mem: 1, cpu: 1 } });
  await testbed.log.line(`node ${node.name} was dropped: "adopted" out of order`);
  const again = await node.adopted();
  again.send({ type: "killed", request: 0, ran: true });
  await testbed.log.line(`was dropped: a "killed" message that answers no request`);
  await node.adopted();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "../etc", key: KEY });
  await testbed.log.line(`dropped the bridge 127.0.0.1:8888: cannot open the run "../etc"`);
});

Deno.test("a trial boot is on the node where the program would be placed, and takes no room", async () => {
  await using small = new FakeNode();
  await using large = new FakeNode();
  await using testbed = startMaster();
  testbed.master.addNode(small.server.address, { mem: GiB / 2, cpu: 1 });
  testbed.master.addNode(large.server.address, { mem: GiB, cpu: 1 });
  const ends = [await small.adopted(), await large.adopted()];
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: { mem: GiB, cpu: 0 } });
  assertEquals((await ends[1]!.next("open")).run, "r1");
  const asked = await ends[1]!.next("try");
  bridge.send({ type: "where", request: 2, resources: { mem: GiB, cpu: 1 } });
  assertEquals((await bridge.next("fits")).node, large.name);
  ends[1]!.send({ type: "needs", request: asked.request, resources: { mem: 7, cpu: 0.5 } });
  assertEquals(await bridge.next("needs"), {
    type: "needs",
    request: 1,
    resources: { mem: 7, cpu: 0.5 },
  });
  // If no node has that much, any node is used.
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({ type: "try", request: 3, run: "r2", resources: { mem: 2 * GiB, cpu: 0 } });
  const again = await ends[0]!.next("try");
  const [why, output] = ["it exited", new Uint8Array([1, 2])];
  ends[0]!.send({ type: "unfit", request: again.request, why, output });
  assertEquals(await bridge.next("unfit"), { type: "unfit", request: 3, why, output });
  bridge.send({ type: "end", run: "r2", signal: "SIGKILL", graceMs: 0 });
  assertEquals((await ends[0]!.next("close")).run, "r2");
});

Deno.test("a trial boot waits for a node, and fails if that node is lost", async () => {
  await using node = new FakeNode();
  await using testbed = startMaster();
  const bridge = await testbed.bridge();
  bridge.send({ type: "open", run: "r1", key: KEY });
  bridge.send({ type: "try", request: 1, run: "r1", resources: { mem: 1, cpu: 0 } });
  testbed.master.addNode(node.server.address, { mem: GiB, cpu: 1 });
  const end = await node.adopted();
  await end.next("try");
  end.link.drop();
  const { request, reason, message } = await bridge.next("failed");
  assertEquals([request, reason], [1, "lost"]);
  assertEquals(
    message,
    `Cannot tell whether the program runs: node ${node.name} closed the connection`,
  );
  bridge.send({ type: "open", run: "r2", key: KEY });
  bridge.send({ type: "end", run: "r2", signal: "SIGKILL", graceMs: 0 });
  bridge.send({ type: "try", request: 2, run: "r2", resources: { mem: 1, cpu: 0 } });
  assertEquals((await bridge.next("failed")).reason, "lost");
});
