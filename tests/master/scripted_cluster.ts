/** A master over real connections, with nodes and a bridge that do what a test says. */

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
import type { Clock } from "../../src/net/clock.ts";
import { livenessOf } from "../../src/net/liveness.ts";
import { credentialOf, dialPart, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  type DrainToMaster,
  MASTER_TO_DRAIN,
  type MasterToDrain,
} from "../../src/wire/drain_messages.ts";
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
export const KEY = new Uint8Array(32);

/** One end of a link, whose messages are found by their types. */
export class End<Out extends { type: string }, In extends { type: string }> {
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

  /** How many messages of that type came before one that was expected, and were not asked for yet. */
  unasked(type: In["type"]): number {
    return this.#others.filter((message) => message.type === type).length;
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

/** A node's end of its connection to a master. */
export class NodeEnd extends End<NodeToMaster, MasterToNode> {
  /** The first message of the master, once it has come. */
  adopt: Extract<MasterToNode, { type: "adopt" }> = {
    ...{ type: "adopt", address: "", resources: null, session: "" },
  };
}

export type BridgeEnd = End<BridgeToMaster, MasterToBridge>;

/** A node that accepts every master. */
export class FakeNode implements AsyncDisposable {
  readonly server: PartServer;
  readonly name: string;
  /** Another one after a restart. */
  fabric = "a";
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
          const end = new NodeEnd(new MessageLink(conn, options));
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
    end.adopt = await end.next("adopt");
    const { address, resources } = end.adopt;
    assertEquals(address, this.name);
    end.send({ type: "adopted", resources: resources ?? own, fabric: this.fabric });
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

export interface Testbed extends AsyncDisposable {
  readonly master: MasterService;
  readonly log: { line(part: string): Promise<string> };
  bridge(): Promise<BridgeEnd>;
  join(address: string, mem?: number): Promise<End<JoinToMaster, MasterToJoin>>;
  drain(node: string): Promise<End<DrainToMaster, MasterToDrain>>;
}

export function startMaster(clock?: Clock): Testbed {
  const lines: string[] = [];
  let changed = Promise.withResolvers<void>();
  const logger = createLogger("info", (line) => {
    lines.push(line);
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const master = new MasterService({
    credential,
    logger,
    // Nodes send no heartbeats when the time is moved.
    ...(clock !== undefined && { clock, liveness: livenessOf(60_000) }),
  });
  const server = new PartServer({
    address: LOCAL,
    credential,
    logger,
    handlers: {
      [Purpose.bridge]: (conn, remote) => master.acceptBridge(conn, remote),
      [Purpose.join]: (conn, remote) => master.acceptJoin(conn, remote),
      [Purpose.drain]: (conn, remote) => master.acceptDrain(conn, remote),
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
    drain: async (node) => {
      const conn = await dialPart(server.address, Purpose.drain, credential);
      const end = new End<DrainToMaster, MasterToDrain>(
        new MessageLink(conn, { schema: MASTER_TO_DRAIN }),
      );
      links.push(end.link);
      end.send({ type: "drain", node, by: "me@here" });
      return end;
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      master.close();
      for (const link of links) link.drop();
      await settled();
    },
  };
}

export const newPid = (): Pid => makePid(randomId(), "127.0.0.1", 4100);
export const spawnOf = (
  run: string,
  parent: Pid,
  request: number,
  mem: number,
  wait = true,
): Extract<NodeToMaster, { type: "spawn" }> => ({
  ...{ type: "spawn", request, run, wait, parent, function: "work", name: "worker 7" },
  ...{ arg: new Uint8Array(), resources: { mem, cpu: 0 }, cwd: null, env: null },
});

/** Has the bridge begin a run on the node; returns its first process. */
export async function begin(bridge: BridgeEnd, node: NodeEnd, run: string, mem = 0): Promise<Pid> {
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
