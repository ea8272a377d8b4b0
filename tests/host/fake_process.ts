/**
 * A process of a run that speaks the control protocol by hand, for the tests of the node.
 *
 * Its behaviour is named by its start message, or, in the first process, by its first argument. It
 * prints on stdout what the tests check.
 */

import {
  decodeNodeMessage,
  type NodeMessage,
  type ProcessMessage,
} from "../../src/wire/control.ts";
import { encodeMessage, MessageDecoder } from "../../src/wire/message.ts";
import { NO_PORT, type Pid } from "../../src/core/pid.ts";
import { connect, listen } from "../../src/net/transport.ts";
import { parseBootstrap } from "../../src/process/bootstrap.ts";

type Start = Extract<NodeMessage, { type: "start" }>;
type Welcome = Extract<NodeMessage, { type: "welcome" }>;
type Answer = Exclude<NodeMessage, Start | Welcome>;

const mode = Deno.args[0] ?? "";
if (mode === "die-before-hello") {
  console.log("on stdout");
  for (let line = 1; line <= 20; line++) console.error(`line ${line}`);
  Deno.exit(7);
}
if (mode === "flood-before-hello") {
  const bytes = new Uint8Array(64 * 1024).fill(120);
  for (let count = 0; count < 100; count++) Deno.stdout.writeSync(bytes);
}
if (mode === "prelude-output") console.log("prelude");

const { control, token, socket, host } = parseBootstrap(Deno.env.get("DEPLOY_PROCESS") ?? "");
if (socket !== undefined) listen({ path: socket });
const tcp = host === undefined ? undefined : Deno.listen({ hostname: host, port: 0 });
const conn = await connect(control);

async function send(message: ProcessMessage): Promise<void> {
  await write(encodeMessage(message));
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

async function* receive(): AsyncGenerator<NodeMessage, undefined> {
  const decoder = new MessageDecoder();
  const buffer = new Uint8Array(65_536);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    for (const body of decoder.push(buffer.subarray(0, count))) yield decodeNodeMessage(body);
  }
}

const messages = receive();
let requests = 0;

type Question =
  | { type: "spawn"; function: string }
  | { type: "wait" | "kill"; pid: Pid }
  | Omit<Extract<ProcessMessage, { type: "kill" }>, "request">;

async function ask(question: Question): Promise<Answer> {
  await post(question);
  const { value } = await messages.next();
  if (value === undefined || value.type === "start" || value.type === "welcome") {
    throw new Error("no answer");
  }
  return value;
}

async function post(question: Question): Promise<void> {
  const request = requests++;
  const rest = {
    name: "a name",
    arg: new Uint8Array([1, 2, 3]),
    resources: { mem: 1, cpu: 0.5 },
    wait: true,
    cwd: null,
    env: null,
  };
  if (question.type === "spawn") return await send({ ...question, request, ...rest });
  if (question.type === "wait") return await send({ ...question, type: "wait", request });
  await send({ signal: null, graceMs: 0, descendants: false, ...question, type: "kill", request });
}

async function spawn(fn: string): Promise<Pid> {
  const answer = await ask({ type: "spawn", function: fn });
  if (answer.type !== "spawned") throw new Error(JSON.stringify(answer));
  return answer.pid;
}

async function untilOrphaned(): Promise<void> {
  while (!(await messages.next()).done);
}

await send({
  type: "hello",
  token,
  port: tcp?.addr.port ?? NO_PORT,
  resources: { mem: 1, cpu: 0 },
});
const { value: welcome } = await messages.next();
if (welcome === undefined || welcome.type !== "welcome") throw new Error("no welcome");
const { value: start } = await messages.next();
if (start === undefined || start.type !== "start") throw new Error("no start");
const self: Omit<Welcome, "type"> & Start = { ...welcome, ...start };
const what = self.function ?? mode;

/** Messages and events of other links, and of this one at the wrong time. */
const FORGED: readonly ((other: Pid) => Record<string, unknown>)[] = [
  (pid) => ({ type: "exit", event: "exit", pid, status: { code: 0 }, time: 1 }),
  (pid) => ({ type: "output", event: "output", pid, fd: 1, bytes: new Uint8Array([65]), time: 1 }),
  (pid) => ({ type: "event", event: { event: "exit", pid, status: { code: 0 }, time: 1 } }),
  (pid) => ({ type: "events", events: [new Uint8Array([1])], pid }),
  (pid) => ({ type: "exited", run: "r1", pid, status: { code: 0 } }),
  (pid) => ({ type: "ended", request: 0, status: { code: 0 }, pid }),
  (pid) => ({ type: "launched", request: 0, pid }),
  () => ({ type: "started" }),
  () => ({ type: "hello", token, port: NO_PORT, resources: { mem: 1, cpu: 0 } }),
];

const BEHAVIOURS: Record<string, () => unknown> = {
  "exit": () => Deno.exit(0),
  "exit-3": () => Deno.exit(3),
  "hello": () => console.log("hello"),
  "prelude-output": () => console.log("function"),
  "who": () => console.log(JSON.stringify({ ...self, arg: [...self.arg], key: [...self.key] })),
  "env": () => console.log(JSON.stringify(Deno.env.toObject())),
  "hang": untilOrphaned,
  "slow-start": untilOrphaned,
  "stuck": () => {
    console.log("stuck");
    while (true);
  },
  "echo": async () => {
    for await (const chunk of Deno.stdin.readable) await Deno.stdout.write(chunk);
  },
  // Ends by itself, in order, when it is told to stop, and prints how often it was told.
  "save": async () => {
    let told = 0;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      Deno.addSignalListener(signal, () => {
        console.log(`${signal} ${++told}`);
        setTimeout(() => Deno.exit(5), 200);
      });
    }
    console.log("ready");
    await untilOrphaned();
  },
  "ignore": async () => {
    console.log("ready");
    await untilOrphaned();
  },
  // It fails when it is told to stop.
  "fail-late": async () => {
    const bytes = new Uint8Array(60 * 1024 ** 2).fill(1);
    for (let line = 1; line <= 30; line++) console.error(`line ${line} of ${bytes.length}`);
    Deno.addSignalListener("SIGTERM", () => Deno.exit(1));
    console.log("ready");
    await untilOrphaned();
  },
  "raise": () => Deno.kill(Deno.pid, "SIGTERM"),
  "grandchild": async () => {
    const child = new Deno.Command("/bin/sh", { args: ["-c", "echo $$; exec sleep 1000"] }).spawn();
    child.unref();
    await untilOrphaned();
  },
  // Both get the signal, and only its child ends.
  "grandchild-told": async () => {
    Deno.addSignalListener("SIGTERM", () => {});
    const script = 'trap "echo told; exit" TERM; echo ready; while :; do sleep 0.1; done';
    new Deno.Command("/bin/sh", { args: ["-c", script] }).spawn().unref();
    await untilOrphaned();
  },
  // Its child leaves its group, and keeps its stdout open.
  "daemon": () => {
    const child = new Deno.Command("setsid", { args: ["sleep", "1000"] }).spawn();
    child.unref();
    console.log(child.pid);
    Deno.exit(0);
  },
  "large-output": async () => {
    const bytes = new Uint8Array(1024 * 1024);
    for (let index = 0; index < bytes.length; index++) bytes[index] = index % 251;
    for (let count = 0; count < 8; count++) {
      for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
    }
    Deno.exit(0);
  },
  "spawn-two": async () => {
    const first = await spawn("exit-3");
    const second = await spawn("hang");
    const answers = [
      await ask({ type: "wait", pid: first }),
      await ask({ type: "wait", pid: first }),
      await ask({ type: "kill", pid: second }),
      await ask({ type: "wait", pid: second }),
      await ask({ type: "kill", pid: second }),
    ];
    console.log(JSON.stringify(answers));
  },
  "spawn-failing": async () => {
    console.log(JSON.stringify(await ask({ type: "spawn", function: "die-after-start" })));
    const pid = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
    console.log(JSON.stringify(await ask({ type: "wait", pid })));
  },
  "spawn-and-exit": async () => {
    await post({ type: "spawn", function: "hello" });
    Deno.exit(0);
  },
  "notice": async () => {
    const pid = await spawn("exit-3");
    await ask({ type: "wait", pid });
    await send({ type: "noticed", pid });
    Deno.exit(0);
  },
  "kill-and-exit": async () => {
    const pid = await spawn("ignore");
    await post({ type: "kill", pid, signal: "SIGTERM", graceMs: 1_000, descendants: false });
    Deno.exit(0);
  },
  "close-link": async () => {
    conn.close();
    await new Promise(() => setInterval(() => {}, 1000));
  },
  "rubbish": async () => {
    await write(new Uint8Array([0, 0, 0, 3, 1, 2, 3]));
    await untilOrphaned();
  },
  "leave-will": () => {
    Deno.writeTextFileSync(self.will!, "my last will", { createNew: true, mode: 0o600 });
    Deno.exit(0);
  },
  "leave-empty": () => {
    Deno.writeTextFileSync(self.will!, "");
    Deno.exit(0);
  },
  "leave-folder": () => {
    Deno.mkdirSync(self.will!);
    Deno.exit(0);
  },
};

if (what === "die-after-start") {
  console.error("sorry");
  Deno.exit(9);
}
if (what === "slow-start") {
  const heard = messages.next();
  const slow = new Promise<"slow">((resolve) => setTimeout(() => resolve("slow"), 500));
  if (await Promise.race([heard, slow]) !== "slow") throw new Error("asked before it started");
}
if (what === "ignore") {
  // It may be told to stop as soon as it has started.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => console.log(signal));
  }
}
await send({ type: "started" });
const forgery = /^forge-(\d+)$/.exec(what);
if (forgery !== null) {
  // Says of its parent what no process may say of another one: its own link is all that it has.
  const forged = FORGED[Number(forgery[1])]!(self.parent!);
  await write(encodeMessage(forged as unknown as ProcessMessage));
  await new Promise(() => setInterval(() => {}, 1000));
} else {
  const behaviour = BEHAVIOURS[what];
  if (behaviour === undefined) throw new Error(`no behaviour ${what}`);
  await behaviour();
}
Deno.exit(0);
