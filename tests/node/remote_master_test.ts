// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProtocolError, SpawnError } from "../../src/core/errors.ts";
import { makePid, randomId } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import type { SpawnRequest } from "../../src/core/roles.ts";
import { HeldArgs, MAX_CARRIED_BYTES } from "../../src/node/held_args.ts";
import { masterLost, masterQuestions, RemoteMaster } from "../../src/node/remote_master.ts";
import type { NodeToMaster } from "../../src/wire/node_messages.ts";

const REQUEST: SpawnRequest = {
  parent: null,
  function: "work",
  name: "work",
  arg: new Uint8Array(),
  resources: DEFAULT_RESOURCES,
  cwd: null,
  env: null,
};

const pid = makePid(randomId(), "127.0.0.1", 4100);

function setUp() {
  const sent: NodeToMaster[] = [];
  const questions = masterQuestions((message) => sent.push(message));
  const held = new HeldArgs("127.0.0.1:9");
  return { sent, questions, held, master: new RemoteMaster("r1", questions, held) };
}

Deno.test("RemoteMaster asks, and gives each answer to its question", async () => {
  const { sent, questions, master } = setUp();
  const spawned = master.spawn(REQUEST, { wait: true });
  const killed = master.kill(pid);
  const failed = master.spawn(REQUEST, { wait: false });
  assertEquals(sent.map(({ type }) => type), ["spawn", "kill", "spawn"]);
  const requests = sent.map((message) => "request" in message ? message.request : -1);
  questions.answer({
    type: "failed",
    request: requests[2]!,
    reason: "no-capacity",
    message: "full",
  });
  questions.answer({ type: "killed", request: requests[1]!, pids: [pid] });
  questions.answer({ type: "spawned", request: requests[0]!, pid });
  assertEquals(await spawned, pid);
  assertEquals(await killed, [pid]);
  assertEquals((await assertRejects(() => failed, SpawnError, "full")).reason, "no-capacity");
});

Deno.test("RemoteMaster cancels a spawn without a waiter, and still takes the answer", async () => {
  const { sent, questions, master } = setUp();
  const aborting = new AbortController();
  const spawned = master.spawn(REQUEST, { wait: true, signal: aborting.signal });
  aborting.abort();
  assertEquals(sent[1], { type: "cancel", request: 0 });
  questions.answer({ type: "spawned", request: 0, pid });
  assertEquals(await spawned, pid);
  // A spawn that comes after that is cancelled at once.
  void master.spawn(REQUEST, { wait: true, signal: aborting.signal }).catch(() => {});
  assertEquals(sent.slice(2).map(({ type }) => type), ["spawn", "cancel"]);
});

Deno.test("RemoteMaster rejects all that is and will be asked once the master is lost", async () => {
  const { questions, master } = setUp();
  const waiting = master.wait(pid);
  questions.end(masterLost());
  await assertRejects(() => waiting, SpawnError, "the connection to it was lost");
  await assertRejects(
    () => master.spawn(REQUEST, { wait: true }),
    SpawnError,
    "the connection to it was lost",
  );
});

Deno.test("an answer of the master without a request is refused", () => {
  const { questions, master } = setUp();
  assertThrows(() => questions.answer({ type: "killed", request: 0, pids: [] }), ProtocolError);
  master.wait(pid).catch(() => {});
  assertThrows(() => questions.answer({ type: "spawned", request: 0, pid }), ProtocolError);
});

Deno.test("RemoteMaster holds a large argument until its spawn is answered, and sends where it is", async () => {
  const { sent, questions, held, master } = setUp();
  const small = new Uint8Array(MAX_CARRIED_BYTES).fill(1);
  const large = new Uint8Array(MAX_CARRIED_BYTES + 1).fill(2);
  void master.spawn({ ...REQUEST, arg: small }, { wait: true }).catch(() => {});
  const spawned = master.spawn({ ...REQUEST, arg: large }, { wait: true });
  const failed = master.spawn({ ...REQUEST, arg: large }, { wait: true });
  const [carried, one, other] = sent.map((message) => message.type === "spawn" && message.arg);
  assertEquals(carried, small);
  assert(typeof one === "object" && "id" in one && typeof other === "object" && "id" in other);
  assertEquals([one.node, one.size], ["127.0.0.1:9", large.length]);
  assert(held.find(one) === large && held.find(other) === large);
  assertEquals(held.find({ ...one, node: "127.0.0.1:10" }), undefined);
  questions.answer({ type: "spawned", request: 1, pid });
  await spawned;
  assertEquals(held.find(one), undefined);
  questions.answer({ type: "failed", request: 2, reason: "not-started", message: "it died" });
  await assertRejects(() => failed, SpawnError, "it died");
  assertEquals(held.size, 0);
});

Deno.test("RemoteMaster holds nothing for a master that is lost", async () => {
  const { questions, held, master } = setUp();
  const arg = new Uint8Array(1_000_000);
  const spawned = master.spawn({ ...REQUEST, arg }, { wait: true });
  assertEquals(held.size, 1);
  questions.end(masterLost());
  await assertRejects(() => spawned, SpawnError, "the connection to it was lost");
  assertEquals(held.size, 0);
});
