/** The traces of errors begin and end at lines of the program. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { IMPORTS, testRows } from "./api.ts";
import { runProgram } from "./helpers.ts";

/** Prints the functions in `table` that are not the first in the stack of their error. */
const FIRST_FRAMES = `
  const firstFrames = async (table) => {
    for (const [name, fn] of Object.entries(table)) {
      const error = await failure(fn);
      // Some versions of Deno show frames of their event loop.
      const [, frame] = error.stack.slice(error.stack.indexOf(error.message))
        .slice(error.message.length).split("\\n").filter((line) => !line.includes("(ext:"));
      if (!new RegExp("at (async )?(Object\\\\.)?" + name + " ").test(frame)) say(name, error.stack);
    }
    say("all", Object.keys(table).length);
  };
`;

testRows([
  {
    name: "errors of spawn(), wait(), kill() and the rest begin at the line that called them",
    source: `${FIRST_FRAMES}
      const work = spawnable("stacks/work", () => {});
      const dies = spawnable("stacks/dies", () => {});
      const unknown = "00000000000000000000000000000000@127.0.0.1:4100";
      class Secret { #x = 1; get x() { return this.#x; } }
      await init();
      await firstFrames({
        unregistered: async function unregistered() { await spawn(() => {}); },
        option: async function option() { await spawn(work, 1, { memory: 5 }); },
        resource: async function resource() { await trySpawn(work, 1, { mem: -5 }); },
        uncopied: async function uncopied() { await spawn(work, { list: [new Secret()] }); },
        waitNoPid: async function waitNoPid() { await wait("x"); },
        waitUnknown: async function waitUnknown() { await wait(unknown); },
        waitUnknownLater: async function waitUnknownLater() {
          const waiting = wait(unknown);
          waiting.catch(() => {});
          await sleep(50);
          await waiting;
        },
        waitChained: function waitChained() { return wait(unknown).then(() => {}); },
        waitAll: async function waitAll() { await Promise.all([wait(unknown), sleep(1)]); },
        selectWait: async function selectWait() { selectableWait(5); },
        killNoPid: async function killNoPid() { await kill(); },
        killUnknown: async function killUnknown() { await kill(unknown); },
        killOption: async function killOption() { await kill(pid(), { signal: "SIGX" }); },
        again: async function again() { await init(); },
      });`,
    says: "all 14\n",
  },
  {
    name: "errors of channels begin at the line that called them, at once or after a wait",
    source: `${FIRST_FRAMES}
      const unknown = "00000000000000000000000000000000@127.0.0.1:4100";
      async function ends(parent) { await new Receiver(parent).recv(); Deno.exit(3); }
      async function waits(parent) { await new Receiver(parent).recv(); }
      await init({ functions: { ends, waits } });
      const dead = await spawn(ends);
      const values = new Receiver(dead);
      const stream = new Receiver(dead, "stream");
      const listed = new Receiver(dead, "listed");
      const going = new Sender(dead);
      const alive = await spawn(waits);
      const sender = new Sender(alive);
      const acceptor = new Acceptor("closed");
      // Each of these waits for the end of that process.
      const waiting = {
        recv: async function recv() { await values.recv(); },
        recvCaught: async function recvCaught() { throw await values.recv().catch((error) => error); },
        recvLater: async function recvLater() {
          const receiving = values.recv();
          receiving.catch(() => {});
          await sleep(300);
          await receiving;
        },
        recvAll: async function recvAll() { await Promise.all([values.recv(), sleep(1)]); },
        iterate: async function iterate() { for await (const _ of stream); },
        selected: async function selected() {
          throw (await select([listed.selectableRecv()])).error;
        },
        runs: async function runs() { await run([listed.selectableRecv()]); },
        accept: async function accept() { await acceptor.accept(); },
      };
      const errors = Object.fromEntries(Object.entries(waiting).map(([name, fn]) => [name, failure(fn)]));
      await sleep(50);
      await going.send("go");
      await wait(dead);
      await acceptor.close();
      for (const name in errors) {
        const error = await errors[name];
        errors[name] = () => { throw error; };
      }
      await firstFrames(errors);
      await firstFrames({
        noPid: function noPid() { new Sender("x"); },
        toItself: function toItself() { new Receiver(pid()); },
        named: function named() { new Acceptor("x".repeat(300)); },
        twice: function twice() { new Sender(alive); },
        recvAtOnce: async function recvAtOnce() { await values.recv(); },
        tryRecv: function tryRecv() { values.tryRecv(); },
        sendGone: async function sendGone() { await going.send(1); },
        trySendGone: function trySendGone() { going.trySend(1); },
        uncopied: async function uncopied() { await sender.send({ run() {} }); },
        tryUncopied: function tryUncopied() { sender.trySend({ run() {} }); },
        selectUncopied: async function selectUncopied() {
          await select([sender.selectableSend(() => Symbol())]);
        },
        selectNothing: async function selectNothing() { await select([]); },
        selectWrong: async function selectWrong() { await select([5]); },
        afterNothing: function afterNothing() { after(); },
        accepting: function accepting() { acceptor.tryAccept(); },
      });
      await sender.send("go");`,
    says: "all 8\nall 15\n",
  },
  {
    name: "a receiver that waits for the 1,000th time has a stack that begins where it is awaited",
    source: `${FIRST_FRAMES}
      async function numbers(parent) {
        const go = new Receiver(parent), sender = new Sender(parent);
        for (let i = 0; i < 1000; i++) { await go.recv(); await sender.send(i); }
        Deno.exit(2);
      }
      await init({ functions: { numbers } });
      const other = await spawn(numbers);
      const go = new Sender(other), values = new Receiver(other);
      let count = 0;
      async function all() { for (;;) { await go.send("go"); await values.recv(); count++; } }
      async function last() { for await (const _ of values); }
      const error = await failure(all);
      await wait(other);
      say(count, error.kind);
      await firstFrames({ all: () => { throw error; }, last });`,
    says: "1000 failed\nall 2\n",
  },
  {
    name: "the stack of a waiting send() begins at its line when the reader is gone",
    source: `${FIRST_FRAMES}
      async function stops(parent) {
        await sleep(200);
        Deno.exit(4);
      }
      await init({ functions: { stops } });
      const other = await spawn(stops);
      const sender = new Sender(other);
      const large = new Uint8Array(3_000_000);
      await firstFrames({
        send: async function send() { for (;;) await sender.send(large); },
      });
      await wait(other);`,
    says: "all 1\n",
  },
  {
    name: "an error of the program's getter keeps its own stack",
    source: `
      const work = spawnable("stacks/work", () => {});
      await init();
      const value = { get broken() { return thrower(); } };
      function thrower() { throw new Error("mine"); }
      const error = await failure(() => spawn(work, value));
      say(error.message, /at thrower /.test(error.stack.split("\\n")[1]));`,
    says: "mine true\n",
  },
]);

Deno.test("the trace of an uncaught error has no frames of the runtime before or after the program's lines", async () => {
  const run = await runProgram(`${IMPORTS}
    function sync() { inner(); }
    function inner() { throw new Error("at once"); }
    async function later() { await null; await deeper(); }
    async function deeper() { await sleep(1); throw new Error("later"); }
    async function operation() { await wait("x"); }
    const functions = { sync, later, operation };
    await init({ functions });
    for (const fn of Object.values(functions)) await wait(await spawn(fn));
    async function main() { await spawn(sync, 1, { cpu: -1 }); }
    await main();`);
  const traces = run.processes.map(({ stderr }) =>
    Array.from(
      stderr.matchAll(/^\s+at (?:async )?(\S+)(?!\S| \((?:ext|node):)/gm),
      ([, name]) => name!,
    )
  );
  const [main, ...spawned] = traces;
  assertEquals(main?.[0], "main", run.stderr);
  assertEquals(main?.length, 2, run.stderr);
  assertEquals(spawned, [["inner", "sync"], ["deeper", "later"], ["operation"]], run.stderr);
});
