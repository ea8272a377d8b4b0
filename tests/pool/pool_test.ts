/** Pools as programs see them, with real processes. */

import { testRows } from "../system/api.ts";

/** A program: its tasks, and what it does after init(). */
const program = (tasks: string, main: string) => `
  import { Pool, PoolError, task } from "deploy/pool";
  ${tasks}
  await init();
  ${main}`;

const DOUBLE = `const double = task("double", (n) => n * 2);`;
const BUSY =
  `const busy = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };`;
const DIE = `const die = task("die", (how) => {
    if (how === "kill") Deno.kill(Deno.pid, "SIGKILL");
    Deno.exit(how);
  });`;

testRows([
  {
    name: "run() resolves with what the task returns, also later, and undefined",
    source: program(
      `${DOUBLE} const later = task("later", async (x) => { await sleep(5); return x; });`,
      `await using pool = await Pool.start({ size: 2 });
       say(await pool.run(double, 21), await pool.run(later, { a: 1 }), typeof await pool.run(later));
       say(pool.size, pool.running, pool.waiting);`,
    ),
    says: '42 {"a":1} undefined\n2 0 0\n',
  },
  {
    name:
      "a thousand calls at once have each its own result, and no process more than asked runs them",
    source: program(
      `const who = task("who", (n) => [n, pid()]);`,
      `await using pool = await Pool.start({ size: 2 });
       const all = await Promise.all(Array.from({ length: 1000 }, (_, n) => pool.run(who, n)));
       say(all.every(([n], i) => n === i), new Set(all.map(([, pid]) => pid)).size);`,
    ),
    says: "true 2\n",
  },
  {
    name: "what a task throws has its class, message and cause, and the stack of both sides",
    source: program(
      `const fail = task("fail", function inTheTask() {
         throw new RangeError("too far", { cause: new TypeError("why") });
       });`,
      `await using pool = await Pool.start({ size: 1 });
       async function theCaller() { await pool.run(fail); }
       const error = await failure(theCaller);
       say(error instanceof RangeError, error.message, error.cause instanceof TypeError);
       say(/inTheTask[^]*theCaller/.test(error.stack), error.stack.includes("src/pool/pool.ts"));`,
    ),
    says: "true too far true\ntrue false\n",
  },
  {
    name: "an argument or a result that cannot be copied fails its call alone",
    source: program(
      `${DOUBLE} const odd = task("odd", () => ({ f() {} }));`,
      `await using pool = await Pool.start({ size: 1 });
       const errors = [await failure(() => pool.run(double, () => 1)), await failure(() => pool.run(odd))];
       say(errors.every((error) => error instanceof TypeError && /function/.test(error.message)));
       say(await pool.run(double, 1));`,
    ),
    says: "true\n2\n",
  },
  {
    name: "a task of which a process does not know is an error that says how to register it",
    source: program(
      DOUBLE,
      `await using pool = await Pool.start({ size: 1 });
       say((await failure(() => pool.run(task("late", () => 1)))).message);`,
    ),
    says:
      'Cannot run task "late": it is not registered in this process; call task() at module scope, before init()\n',
  },
  {
    name: "a name is one task's",
    source: program(DOUBLE, `say((await failure(() => task("double", () => 1))).message);`),
    says: 'Cannot register task "double": a task of that name exists\n',
  },
  {
    name: "an option that does not exist, or is out of its range, is refused",
    source: program(
      DOUBLE,
      `for (const options of [{ sise: 1 }, { size: 0 }, { size: { min: 3, max: 2 } }, { retries: -1 }]) {
         const error = await failure(() => Pool.start(options));
         say(error.name, error.message);
       }`,
    ),
    says: [
      "TypeError Cannot start a pool: it has no option sise; there are size, concurrency, retries, idleMs, mem, cpu",
      "RangeError Cannot start a pool: size is 0; it must be a whole number, 1 or more",
      "RangeError Cannot start a pool: size.min is 3, size.max 2",
      "RangeError Cannot start a pool: retries is -1; it must be a whole number, 0 or more",
      "",
    ].join("\n"),
  },
  {
    name: "an option of a call that does not exist is refused",
    source: program(
      DOUBLE,
      `await using pool = await Pool.start({ size: 1 });
       for (const options of [{ retries: 1 }, { timeout: 5 }, { timeoutMs: 9_000 }]) {
         const error = await pool.run(double, 3, options).catch((error) => error);
         say(error instanceof Error ? error.message : error);
       }
       say((await failure(() => pool.map(double, [1], { orderd: true }).next())).message);`,
    ),
    says: [
      "Cannot run a call: it has no option retries; it is one of Pool.start()",
      "Cannot run a call: it has no option timeout; there are signal, timeoutMs",
      "6",
      "Cannot run a call: it has no option orderd; there are signal, timeoutMs",
      "",
    ].join("\n"),
  },
  {
    name: "a process that dies fails the call that it ran, and is replaced",
    source: program(
      `${DOUBLE} ${DIE}`,
      `await using pool = await Pool.start({ size: 1 });
       for (const how of [3, 0, "kill"]) {
         const error = await failure(() => pool.run(die, how));
         say(error instanceof PoolError, error.task, error.status, await pool.run(double, 1));
       }`,
    ),
    says: [
      'true die {"code":3} 2',
      'true die {"code":0} 2',
      'true die {"signal":"SIGKILL"} 2',
      "",
    ].join("\n"),
  },
  {
    name: "a call queued behind one that exits is run by another process, without retries",
    source: program(
      `${DOUBLE} const maybe = task("maybe", (n) => n === 5 ? Deno.exit(3) : n);`,
      `await using pool = await Pool.start({ size: 1 });
       await pool.run(maybe, 0);
       const all = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => pool.run(maybe, n)));
       say(all.map(({ value, reason }) => value ?? reason.status));`,
    ),
    says: '[0,1,2,3,4,{"code":3},6,7,8,9,10,11,12,13,14,15,16,17,18,19]\n',
  },
  {
    name: "retries: a call is run again so often, and the task is told",
    source: program(
      `const third = task("third", (last, { attempt }) => attempt < last ? Deno.exit(4) : attempt);`,
      `await using pool = await Pool.start({ size: 1, retries: 2 });
       say(await pool.run(third, 3), (await failure(() => pool.run(third, 4))).status);`,
    ),
    says: '3 {"code":4}\n',
  },
  {
    name: "a task that kills every process that it meets does not make the pool spin",
    source: program(
      DIE,
      `await using pool = await Pool.start({ size: 1, retries: 5 });
       const start = performance.now();
       await failure(() => pool.run(die, 1));
       say(performance.now() - start > 50 + 100 + 200 + 400);`,
    ),
    says: "true\n",
  },
  {
    name: "timeoutMs and signal reject at once, and abort the signal of the task",
    source: program(
      `const wait1 = task("wait", (to, { signal }) => new Promise((resolve) => {
         signal.addEventListener("abort", () => { say("told", signal.reason.message ?? signal.reason); resolve(); });
         const sender = new Sender(to);
         sender.send(1);
         sender.close();
       }));`,
      `await using pool = await Pool.start({ size: 1 });
       await using acceptor = new Acceptor();
       const { setTimeout } = globalThis;
       let timeIsUp;
       globalThis.setTimeout = (then, ms) => ms === 1234 ? (timeIsUp = then, 0) : setTimeout(then, ms);
       const timed = failure(() => pool.run(wait1, pid(), { timeoutMs: 1234 }));
       await (await acceptor.accept()).recv(); // it has begun
       timeIsUp();
       say((await timed).name);
       const controller = new AbortController();
       const waiting = failure(() => pool.run(wait1, pid(), { signal: controller.signal }));
       await (await acceptor.accept()).recv();
       controller.abort(new RangeError("enough"));
       say((await waiting).message, (await failure(() => pool.run(wait1, pid(), { signal: AbortSignal.abort(5) }))));`,
    ),
    says: "TimeoutError\nenough 5\n",
    others: ["told Task wait has not ended after 1234 ms\ntold enough\n"],
  },
  {
    name:
      "a task that does not end 1 s after its abort loses its process; its neighbours run again",
    source: program(
      `const stuck = task("stuck", async (to) => { await new Sender(to).send(1); await sleep(1e6); });
       const slow = task("slow", async (_, { attempt }) => { if (attempt === 1) await sleep(1e6); return attempt; });`,
      `await using pool = await Pool.start({ size: 1, concurrency: 2, retries: 1 });
       await using acceptor = new Acceptor();
       let isLost = false;
       const neighbour = pool.run(slow).finally(() => isLost = true);
       const controller = new AbortController();
       const stopped = failure(() => pool.run(stuck, pid(), { signal: controller.signal }));
       await (await acceptor.accept()).recv();
       const start = performance.now();
       controller.abort(new RangeError("enough"));
       say((await stopped).message, isLost);
       say(await neighbour, performance.now() - start >= 990);`,
    ),
    says: "enough false\n2 true\n",
  },
  {
    name: "a long call holds back none that another process could take",
    source: program(
      `const work = task("work", async (ms) => { await sleep(ms); return ms; });`,
      `await using pool = await Pool.start({ size: 2 });
       for (let n = 0; n < 20; n++) await pool.run(work, 0);
       let longDone = false;
       const long = pool.run(work, 60_000, { signal: AbortSignal.timeout(20_000) }).then(() => longDone = true, () => {});
       await Promise.all(Array.from({ length: 50 }, () => pool.run(work, 0)));
       say(longDone, pool.running);
       Deno.exit(0);`,
    ),
    says: "false 1\n",
  },
  {
    name: "a task that computes long of a sudden: what is queued behind it is run elsewhere",
    source: program(
      `${BUSY} const work = task("work", (ms) => { busy(ms); return pid(); });`,
      `await using pool = await Pool.start({ size: 2 });
       await Promise.all(Array.from({ length: 300 }, () => pool.run(work, 0.02)));
       const calls = Array.from({ length: 40 }, (_, n) => pool.run(work, n % 2 === 0 ? 60 : 0));
       const long = (await Promise.all(calls)).filter((_, n) => n % 2 === 0);
       say(new Set(long).size);`,
    ),
    says: "2\n",
  },
  {
    name: "the results of short calls do not wait for the long one behind them",
    source: program(
      `${BUSY} const work = task("work", busy);`,
      `await using pool = await Pool.start({ size: 1 });
       for (let n = 0; n < 20; n++) await pool.run(work, 0);
       const short = Promise.all(Array.from({ length: 20 }, () => pool.run(work, 0.3)));
       let longDone = false;
       const long = pool.run(work, 2000).then(() => longDone = true);
       await short;
       say(longDone);
       await long;`,
    ),
    says: "false\n",
  },
  {
    name: "each of many arguments that cannot be copied fails its call",
    source: program(
      DOUBLE,
      `await using pool = await Pool.start({ size: 1 });
       const bad = Array.from({ length: 1_000 }, () => pool.run(double, () => 1));
       const errors = (await Promise.allSettled(bad)).map(({ reason }) => reason);
       say(errors.every((error) => error instanceof TypeError), await pool.run(double, 2));`,
    ),
    says: "true 4\n",
  },
  {
    name: "concurrency: a process runs so many calls at once",
    source: program(
      `let now = 0; const meet = task("meet", async () => { const seen = ++now; await sleep(50); now--; return seen; });`,
      `await using pool = await Pool.start({ size: 1, concurrency: 3 });
       say(Math.max(...await Promise.all(Array.from({ length: 6 }, () => pool.run(meet)))), pool.size);`,
    ),
    says: "3 1\n",
  },
  {
    name: "size { min, max }: the pool grows while calls wait, and shrinks when idle",
    source: program(
      `const work = task("work", () => sleep(300));`,
      `await using pool = await Pool.start({ size: { min: 1, max: 3 }, idleMs: 100 });
       say(pool.size);
       let most = 0;
       const see = () => most = Math.max(most, pool.size);
       await Promise.all(Array.from({ length: 12 }, () => pool.run(work).then(see)));
       say(most);
       while (pool.size > 1) await sleep(20);
       say(pool.size);`,
    ),
    says: "1\n3\n1\n",
  },
  {
    name:
      "map() gives results in order, or as they come, and takes no more arguments than it can use",
    source: program(
      DOUBLE,
      `await using pool = await Pool.start({ size: 2 });
       let taken = 0, got = 0, most = 0, right = true;
       function* numbers() { for (let n = 0; n < 100_000; n++) { taken++; yield n; } }
       for await (const double_ of pool.map(double, numbers())) {
         right &&= double_ === 2 * got++;
         most = Math.max(most, taken - got);
       }
       say(got, right, most < 2000);
       let sum = 0;
       async function* few() { for (let n = 0; n < 1000; n++) yield n; }
       for await (const double_ of pool.map(double, few(), { ordered: false })) sum += double_;
       say(sum);
       for await (const double_ of pool.map(double, numbers())) if (double_ === 20) break;
       say(taken < 103_000, await pool.run(double, 4));`,
    ),
    says: "100000 true true\n999000\ntrue 8\n",
  },
  {
    name: "map(): the first error ends the iteration",
    source: program(
      `const odd = task("odd", (n) => { if (n === 3) throw new RangeError("three"); return n; });`,
      `await using pool = await Pool.start({ size: 2 });
       const got = [];
       const error = await failure(async () => {
         for await (const n of pool.map(odd, [0, 1, 2, 3, 4, 5])) got.push(n);
       });
       say(got, error instanceof RangeError, error.message);`,
    ),
    says: "[0,1,2] true three\n",
  },
  {
    name: "each() runs one call on each process",
    source: program(
      `const who = task("who", () => pid());`,
      `await using pool = await Pool.start({ size: 3 });
       say(new Set(await pool.each(who)).size);`,
    ),
    says: "3\n",
  },
  {
    name: "close(): calls that have begun finish, those that wait reject, and no more are taken",
    source: program(
      `const work = task("work", async (n) => { await sleep(200); return n; });`,
      `const pool = await Pool.start({ size: 1 });
       const calls = [1, 2, 3].map((n) => pool.run(work, n).catch((error) => error.message));
       await pool.close();
       say(await Promise.all(calls), pool.size, (await failure(() => pool.run(work, 4))) instanceof PoolError);`,
    ),
    says:
      '[1,"Cannot run task work: the pool was closed","Cannot run task work: the pool was closed"] 0 true\n',
  },
  {
    name: "tasks spawn, and use channels and pools of their own",
    source: program(
      `${DOUBLE}
       const child = spawnable("child", async (parent, n) => { await new Sender(parent).send(n + 1); });
       const nested = task("nested", async (n) => {
         await using receiver = new Receiver(await spawn(child, n));
         await using pool = await Pool.start({ size: 1 });
         return await pool.run(double, await receiver.recv());
       });`,
      `await using pool = await Pool.start({ size: 1 });
       say(await pool.run(nested, 4));`,
    ),
    says: "10\n",
  },
  {
    name:
      "an idle pool that nobody closed keeps its program from ending no longer than its processes",
    source: program(
      DOUBLE,
      `const pool = await Pool.start({ size: 2 });
       say(await pool.run(double, 4));`,
    ),
    says: "8\n",
  },
]);
