/** spawn(), trySpawn(), wait() and kill(), as programs see them. */

import { testRows } from "./api.ts";

/** Functions that wait for a value and then end, each in its way. */
const ENDERS = `
  const enders = {
    async returns(parent) { await new Receiver(parent).recv(); },
    async exits(parent) { await new Receiver(parent).recv(); Deno.exit(7); },
    async dies(parent) { await new Receiver(parent).recv(); Deno.kill(Deno.pid, "SIGTERM"); await sleep(1e6); },
  };
`;

testRows([
  {
    name: "spawn() copies its argument before it returns",
    source: `
      function work(parent, arg) { say(arg.list, arg.map.get("k")); }
      await init({ functions: { work } });
      const arg = { list: [1], map: new Map([["k", "before"]]) };
      const spawning = spawn(work, arg);
      arg.list.push(2);
      arg.map.set("k", "after");
      await wait(await spawning);`,
    says: "",
    others: ["[1] before\n"],
  },
  {
    name: "spawn() without an argument gives undefined, and exactly two arguments",
    source: `
      function work(...args) { say(args.length, typeof args[1], isPid(args[0]), args[0] !== pid()); }
      await init({ functions: { work } });
      await wait(await spawn(work));
      await wait(await trySpawn(work, undefined, {}));`,
    says: "",
    others: ["2 undefined true true\n", "2 undefined true true\n"],
  },
  {
    name:
      "an argument that cannot be copied rejects spawn() with the TypeError of send(), which names its path",
    source: `
      class Secret { #x = 1; get x() { return this.#x; } }
      async function work(parent) { await new Receiver(parent).recv(); }
      await init({ functions: { work } });
      const sender = new Sender(await spawn(work));
      const bad = [() => {}, Symbol("s"), Promise.resolve(1), { jobs: [0, 1, 2, { run() {} }] },
        new Map([["k", Symbol("t")]]), [new WeakMap()], new Secret()];
      for (const value of bad) {
        const [one, two] = [await failure(() => spawn(work, value)), await failure(() => sender.send(value))];
        say(one instanceof TypeError && two instanceof TypeError, one.message === two.message);
        if (value.jobs) say(one.message);
      }
      await sender.send("end");`,
    says: "true true\n".repeat(4) +
      "value.jobs[3].run is a function; functions cannot be sent\n" + "true true\n".repeat(3),
  },
  {
    name: "spawn() rejects resources that are negative, NaN or no numbers as invalid",
    source: `
      function work() {}
      await init({ functions: { work } });
      for (const options of [{ mem: -1 }, { cpu: -0.5 }, { mem: NaN }, { cpu: "1" }, { mem: null, cpu: NaN }]) {
        for (const start of [spawn, trySpawn]) {
          const error = await failure(() => start(work, 0, options));
          say(error instanceof SpawnError, error.name, error.reason);
        }
      }`,
    says: "true SpawnError invalid\n".repeat(10),
  },
  {
    name: "spawn() of an unregistered function names it, and both ways to register it",
    source: `
      await init();
      for (const start of [spawn, trySpawn]) {
        const { reason, message } = await failure(() => start(async function crunch() {}));
        say(reason, ["crunch", "init(", "spawnable("].every((part) => message.includes(part)));
      }
      say((await failure(() => spawn(() => {}))).reason, (await failure(() => spawn("crunch"))).name);`,
    says: "unregistered true\nunregistered true\nunregistered TypeError\n",
  },
  {
    name: "a function is found by identity, whatever it is called",
    source: `
      const made = (text) => (parent, arg) => say(text, arg);
      const [one, two] = [made("one"), made("two")];
      async function outer() { await wait(await spawn(two, "inner")); }
      await init({ functions: { a: one, b: two, "some name/with: signs": outer } });
      for (const fn of [one, two, outer]) await wait(await spawn(fn, 5));`,
    says: "",
    others: ["one 5\n", "two 5\n", "two inner\n"],
  },
  {
    name: "wait() gives the status, before and after the end, to the parent and to a third process",
    source: `${ENDERS}
      async function ask(parent, other) {
        await using sender = new Sender(parent);
        await sender.send(await wait(other));
      }
      await init({ functions: { ...enders, ask } });
      for (const fn of Object.values(enders)) {
        const other = await spawn(fn);
        const third = await spawn(ask, other);
        const waiting = [wait(other), wait(other)];
        await using sender = new Sender(other);
        await sender.send("go");
        const late = await spawn(ask, (await Promise.all(waiting), other));
        const all = [...await Promise.all(waiting), await wait(other),
          await new Receiver(third).recv(), await new Receiver(late).recv()];
        say(new Set(all.map((status) => JSON.stringify(status))).size, all[0], success(all[0]));
      }`,
    says: `1 {"code":0} true\n1 {"code":7} false\n1 {"signal":"SIGTERM"} false\n`,
  },
  {
    name: "kill() ends a child, a third process's, one that has ended, and twice at once",
    source: `
      async function idle() { await sleep(1e6); }
      function quick() {}
      async function killer(parent, other) { await kill(other); say(await wait(other)); }
      await init({ functions: { idle, quick, killer } });
      const [mine, theirs, twice, quickly] = await Promise.all([idle, idle, idle, quick].map((fn) => spawn(fn)));
      say(String(await kill(mine)), await wait(mine));
      say(await wait(await spawn(killer, theirs)), await wait(theirs));
      await Promise.all([kill(twice), kill(twice), wait(twice)]);
      await wait(quickly);
      await kill(quickly);
      say(await wait(twice), await wait(quickly));`,
    says: `undefined {"signal":"SIGKILL"}\n{"code":0} {"signal":"SIGKILL"}\n` +
      `{"signal":"SIGKILL"} {"code":0}\n`,
    others: [`{"signal":"SIGKILL"}\n`],
  },
  {
    name: "wait() and kill() reject an invalid Pid, and one of no process of the program",
    source: `
      await init();
      const unknown = pid().replace(/^.{8}/, "00000000");
      for (const attempt of [wait, kill]) {
        for (const each of [unknown, "x", 5, undefined]) {
          const error = await failure(() => attempt(each));
          say(error instanceof Error, error.name, error.message.includes(String(each)));
        }
      }`,
    says: ("true Error true\n" + "true TypeError true\n".repeat(3)).repeat(2),
  },
  {
    name: "a child may kill its parent, and the first process's death is the code of the run",
    source: `
      async function work(parent) { await kill(parent); say(await wait(parent)); }
      await init({ functions: { work } });
      await spawn(work);
      await sleep(1e6);`,
    says: "",
    others: [`{"signal":"SIGKILL"}\n`],
    code: 137,
  },
  {
    name: "12 processes that dial each other at once, each both ways, get every value",
    source: `
      async function work(parent, index) {
        await using fromParent = new Receiver(parent);
        const peers = (await fromParent.recv()).filter((each) => each !== pid());
        const sends = peers.map(async (peer) => {
          await using sender = new Sender(peer);
          await sender.send(index);
        });
        const got = await Promise.all(peers.map(async (peer) => {
          await using receiver = new Receiver(peer);
          return await receiver.recv();
        }));
        await Promise.all(sends);
        await using back = new Sender(parent);
        await back.send(got.reduce((sum, each) => sum + each, index));
      }
      await init({ functions: { work } });
      const pids = await Promise.all(Array.from({ length: 12 }, (_, index) => spawn(work, index)));
      const ends = pids.map((each) => [new Sender(each), new Receiver(each)]);
      for (const [sender] of ends) await sender.send(pids);
      const sums = await Promise.all(ends.map(([, receiver]) => receiver.recv()));
      say([...new Set(sums)], (await Promise.all(pids.map(wait))).every(success));`,
    says: "[66] true\n",
  },
  {
    name: "a spawn() that is aborted while the process boots leaves no process behind",
    source: `
      async function work(parent) { await new Sender(parent).send("here"); await sleep(1e6); }
      await init({ functions: { work } });
      for (const start of [spawn, trySpawn]) {
        for (const ms of [0, 5, 20, 50, 100]) {
          const error = await failure(async () => {
            const other = await start(work, undefined, { signal: AbortSignal.timeout(ms) });
            await kill(other);
          });
          if (error.name !== "TimeoutError" && error.message !== "it did not fail") say(error.stack);
        }
      }
      say("done");`,
    says: "done\n",
    env: { DEPLOY_SPARES: "0" },
  },
  {
    name: "a pending spawn() and wait() keep a process alive",
    source: `
      async function work() { await sleep(100); }
      async function outer(parent) { spawn(work).then(wait).then((status) => say("outer", status)); }
      await init({ functions: { work, outer } });
      spawn(outer).then(wait).then((status) => say("main", status));`,
    says: `main {"code":0}\n`,
    others: [`outer {"code":0}\n`],
  },
  {
    name: "Pids can be sent over channels, and used by any process that gets one",
    source: `
      async function store(parent) {
        const values = [];
        const client = await new Receiver(parent).recv();
        for await (const value of new Receiver(client)) values.push(value);
        await using sender = new Sender(parent);
        await sender.send(values);
      }
      async function client(parent) {
        const other = await new Receiver(parent).recv();
        await using sender = new Sender(other);
        for (let i = 0; i < 5; i++) await sender.send({ i, other });
      }
      await init({ functions: { store, client } });
      const [s, c] = [await spawn(store), await spawn(client)];
      await new Sender(s).send(c);
      await new Sender(c).send(s);
      const got = await new Receiver(s).recv();
      say(got.map(({ i }) => i), got.every(({ other }) => other === s));`,
    says: "[0,1,2,3,4] true\n",
  },
  {
    name: "changes of the prelude exist in a new process, later ones do not",
    source: `
      let state = "prelude";
      function work() { say(state, globalThis.later ?? "no"); }
      await init({ functions: { work } });
      state = "main";
      globalThis.later = "yes";
      await wait(await spawn(work));
      say(state);`,
    says: "main\n",
    others: ["prelude no\n"],
  },
]);
