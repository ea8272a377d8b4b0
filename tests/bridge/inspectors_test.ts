/** A bridge connects debuggers to inspectors: the connection of deploy, and that of the node. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Inspectors } from "../../src/bridge/inspectors.ts";
import { createLogger } from "../../src/core/logger.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { LOCAL_NETWORK } from "../../src/net/liveness.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import type { Schema } from "../../src/wire/schema.ts";
import {
  type DeployToInspector,
  INSPECTOR_TO_DEPLOY,
  INSPECTOR_TO_NODE,
  type InspectorToDeploy,
  type InspectorToNode,
  type NodeToInspector,
} from "../../src/wire/inspect_messages.ts";

const PID = makePid(randomId(), "127.0.0.1", 4100);

/** A bridge with one run, whose deploy has the token `mine`. */
class Bridge {
  readonly lines: string[] = [];
  /** What the node is asked for. */
  readonly asked = Promise.withResolvers<{ pid: Pid; id: string }>();
  /** Ends the wait for the node. */
  late = () => {};
  readonly #inspectors: Inspectors;
  readonly #serving: Promise<void>[] = [];

  /** @param why Why the node cannot be asked. */
  constructor(why?: string) {
    const inspected = {
      inspect: (pid: Pid, id: string) => {
        this.asked.resolve({ pid, id });
        return why;
      },
    };
    this.#inspectors = new Inspectors({
      attachments: new Map([["mine", { inspected }], ["viewer", { inspected: undefined }]]),
      liveness: LOCAL_NETWORK,
      logger: createLogger("debug", (line) => this.lines.push(line)),
      startTimer: (_ms, then) => {
        this.late = then;
        return () => {};
      },
    });
  }

  async deploy(): Promise<Peer<DeployToInspector, InspectorToDeploy>> {
    const [own, other] = await pair();
    this.#serving.push(this.#inspectors.serveDebugger(other, "10.0.0.9:1"));
    return new Peer(own, INSPECTOR_TO_DEPLOY);
  }

  async node(): Promise<Peer<NodeToInspector, InspectorToNode>> {
    const [own, other] = await pair();
    this.#serving.push(this.#inspectors.takeInspector(other, "10.0.0.2:1"));
    return new Peer(own, INSPECTOR_TO_NODE);
  }

  /** Resolves when nothing is served any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#serving);
  }
}

async function pair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  return await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
}

/** The other side of a connection to the bridge. */
class Peer<Out extends { type: string }, In extends { type: string }> {
  readonly #link: MessageLink<Out, In>;
  readonly #messages: AsyncGenerator<In>;

  constructor(conn: Deno.TcpConn, schema: Schema<In>) {
    this.#link = new MessageLink<Out, In>(conn, { schema });
    this.#messages = this.#link.messages();
  }

  send(message: Out): void {
    void this.#link.send(message);
  }

  /** The next message; `undefined` once the bridge has closed the connection. */
  async next(): Promise<In | undefined> {
    return (await this.#messages.next()).value;
  }

  close(): Promise<void> {
    return this.#link.close();
  }
}

Deno.test("what a debugger says comes to the inspector, and the other way round, until one closes", async () => {
  const bridge = new Bridge();
  const deploy = await bridge.deploy();
  deploy.send({ type: "inspect", token: "mine", pid: PID });
  const { pid, id } = await bridge.asked.promise;
  assertEquals(pid, PID);
  const node = await bridge.node();
  node.send({ type: "inspector", id });
  assertEquals(await deploy.next(), { type: "attached" });

  deploy.send({ type: "bytes", bytes: new Uint8Array([1]) });
  assertEquals(await node.next(), { type: "bytes", bytes: new Uint8Array([1]) });
  node.send({ type: "bytes", bytes: new Uint8Array([2]) });
  node.send({ type: "end" });
  assertEquals(await deploy.next(), { type: "bytes", bytes: new Uint8Array([2]) });
  assertEquals(await deploy.next(), { type: "end" });
  await deploy.close();
  assertEquals(await node.next(), undefined);
  await node.close();
  await bridge.idle();
  assertEquals(bridge.lines, []);
});

Deno.test("who has not started the run is refused, and so is what cannot be reached", async () => {
  const table: [token: string, why: string | undefined, refused: string][] = [
    ["yours", undefined, "it belongs to another deploy"],
    ["viewer", undefined, "it belongs to another deploy"],
    ["mine", "it has ended", "it has ended"],
  ];
  for (const [token, why, refused] of table) {
    const bridge = new Bridge(why);
    const deploy = await bridge.deploy();
    deploy.send({ type: "inspect", token, pid: PID });
    assertEquals(await deploy.next(), { type: "refused", why: refused });
    await deploy.close();
    await bridge.idle();
  }
});

Deno.test("a node says that there is no inspector, or nothing for 30 s", async () => {
  const bridge = new Bridge();
  const deploy = await bridge.deploy();
  deploy.send({ type: "inspect", token: "mine", pid: PID });
  const { id } = await bridge.asked.promise;
  const node = await bridge.node();
  node.send({ type: "no-inspector", id, why: "it has ended" });
  assertEquals(await deploy.next(), { type: "refused", why: "it has ended" });
  assertEquals(await node.next(), undefined);
  await Promise.all([deploy.close(), node.close()]);
  await bridge.idle();

  const silent = new Bridge();
  const other = await silent.deploy();
  other.send({ type: "inspect", token: "mine", pid: PID });
  const asked = await silent.asked.promise;
  silent.late();
  assertEquals(await other.next(), { type: "refused", why: "its node did not answer for 30 s" });
  // What comes later, and what nobody has asked for, is dropped.
  for (const id of [asked.id, "made up"]) {
    const late = await silent.node();
    late.send({ type: "inspector", id });
    assertEquals(await late.next(), undefined);
    await late.close();
  }
  await other.close();
  await silent.idle();
});

Deno.test("who says anything else is dropped, with a line in the log", async () => {
  const bridge = new Bridge();
  const deploy = await bridge.deploy();
  deploy.send({ type: "end" });
  assertEquals(await deploy.next(), undefined);
  const node = await bridge.node();
  node.send({ type: "end" });
  assertEquals(await node.next(), undefined);
  await Promise.all([deploy.close(), node.close(), bridge.idle()]);
  assertEquals(bridge.lines.map((line) => line.replace(/^.*dropped/s, "dropped").trim()), [
    'dropped a debugger at 10.0.0.9:1: "end" out of order',
    'dropped an inspector at 10.0.0.2:1: "end" out of order',
  ]);
});
