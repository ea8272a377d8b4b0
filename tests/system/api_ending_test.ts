/** How processes end, as programs see it. processes_test.ts also has tests of what is sent before the end. */

import { testRows } from "./api.ts";

/** Sends far more than sockets and windows can hold, without waiting for it. */
const SENDS = `const sender = new Sender(remote);
  for (let i = 0; i < 8; i++) sender.send(new Uint8Array(1_000_000).fill(i));`;

/** Reads that slowly, and returns how it ended. */
const READS_SLOWLY = `
  const receiver = new Receiver(remote);
  await sleep(300);
  let sum = 0, count = 0;
  try {
    for (;;) { const value = await receiver.recv(); count++; sum += value[0] + value[999_999]; await sleep(20); }
  } catch (error) { return [count, sum, error.kind, (await ended).code]; }`;

const ENDS = [
  "return;",
  "Deno.exit(0);",
  "Deno.exit();",
  "await Promise.resolve().then(() => { Deno.exit(0); });",
  "(function deep(n) { n === 0 ? Deno.exit(0) : deep(n - 1); })(500);",
  "setTimeout(() => Deno.exit(0)); await new Promise(() => {});",
  "queueMicrotask(() => Deno.exit(0)); await new Promise(() => {});",
  "const t = new EventTarget(); t.addEventListener('x', () => Deno.exit(0)); t.dispatchEvent(new Event('x')); say('not reached');",
  "try { Deno.exit(0); } catch { say('not reached'); } finally { say('not reached'); } say('not reached');",
  "(await import('node:process')).exit(0);",
];

testRows([
  {
    name: "8 MB are delivered to a slow reader by a process, in whichever of ten ways it ends",
    source: `
      const ends = [${ENDS.map((end) => `async () => { ${end} }`).join(", ")}];
      async function work(remote, end) { ${SENDS} await ends[end](); }
      await init({ functions: { work } });
      async function reads(end) {
        const remote = await spawn(work, end);
        const ended = wait(remote);
        ${READS_SLOWLY}
      }
      say(await Promise.all(ends.keys().map(reads)));`,
    says: `${JSON.stringify(ENDS.map(() => [8, 56, "exited", 0]))}\n`,
  },
  {
    name: "two processes that exit with values for each other end both",
    source: `
      async function work(parent) {
        const other = await new Receiver(parent).recv();
        const sender = new Sender(other);
        new Receiver(other);
        for (let i = 0; i < 20; i++) sender.send(new Uint8Array(500_000));
        Deno.exit(4);
      }
      await init({ functions: { work } });
      const pids = [await spawn(work), await spawn(work)];
      await new Sender(pids[0]).send(pids[1]);
      await new Sender(pids[1]).send(pids[0]);
      say(await Promise.all(pids.map(wait)));`,
    says: `[{"code":4},{"code":4}]\n`,
  },
  {
    name: "a ring of processes that return, exit and throw with values for the next one ends",
    source: `
      async function work(parent, index) {
        const [before, next] = await new Receiver(parent).recv();
        const sender = new Sender(next);
        for (let i = 0; i < 5; i++) sender.send(new Uint8Array(700_000)).catch(() => {});
        if (index % 3 === 0) Deno.exit(0);
        if (index % 3 === 1) Deno.exitCode = 0;
        if (index % 3 === 2) { globalThis.addEventListener("unhandledrejection", () => {}); Deno.exit(0); }
      }
      await init({ functions: { work } });
      const pids = await Promise.all(Array.from({ length: 9 }, (_, index) => spawn(work, index)));
      for (const [index, each] of pids.entries()) {
        await new Sender(each).send([pids.at(index - 1), pids[(index + 1) % 9]]);
      }
      say((await Promise.all(pids.map(wait))).every(success));`,
    says: "true\n",
  },
  {
    name: "the first process ends when nothing is pending, with or without open channels",
    source: `
      async function idle(parent) { new Sender(parent); new Receiver(parent); await wait(parent); }
      await init({ functions: { idle } });
      const other = await spawn(idle);
      globalThis.kept = [new Sender(other), new Receiver(other)];
      await kept[0].send("never read");
      say("end");`,
    says: "end\n",
  },
  {
    name: "the first process's end does not end the others",
    source: `
      async function work(parent) { say("gone", await wait(parent)); await sleep(200); say("still here"); }
      await init({ functions: { work } });
      await spawn(work);
      Deno.exit(5);`,
    says: "",
    others: [`gone {"code":5}\nstill here\n`],
    code: 5,
  },
  {
    name: "a receiver that is gone does not keep a process from ending",
    source: `
      async function work(parent) {
        const sender = new Sender(parent);
        for (let i = 0; i < 10; i++) sender.send(new Uint8Array(500_000)).catch(() => {});
      }
      await init({ functions: { work } });
      await Promise.all([spawn(work), spawn(work)]);
      Deno.exit(0);`,
    says: "",
  },
  {
    name: "the output of a process arrives before its end is known, also if it is killed",
    source: `
      function exits() { console.log("x".repeat(300_000)); Deno.exit(0); }
      async function sleeps(parent) {
        console.log("y".repeat(300_000));
        await using sender = new Sender(parent);
        await sender.send("written");
        await sender.close();
        await sleep(1e6);
      }
      await init({ functions: { exits, sleeps } });
      await wait(await spawn(exits));
      const other = await spawn(sleeps);
      await new Receiver(other).recv();
      await kill(other);
      say("killed");`,
    says: "killed\n",
    others: ["x".repeat(300_000) + "\n", "y".repeat(300_000) + "\n"],
  },
  {
    name: "Deno.exitCode is the code of a process that ends naturally",
    source: `
      function sets() { Deno.exitCode = 9; }
      function setsAndExits() { Deno.exitCode = 9; Deno.exit(); }
      function overrides() { Deno.exitCode = 9; Deno.exit(2); }
      await init({ functions: { sets, setsAndExits, overrides } });
      for (const fn of [sets, setsAndExits, overrides]) say(await wait(await spawn(fn)));
      Deno.exitCode = 6;`,
    says: `{"code":9}\n{"code":9}\n{"code":2}\n`,
    code: 6,
  },
]);
