/** select(), after() and run(), as programs see them. */

import { testRows } from "./api.ts";

/** A process that follows commands, and one that prints what it receives. */
const TALKERS = `
  async function talk(parent, values) {
    await using sender = new Sender(parent);
    for (const value of values) await sender.send(value);
  }
  async function hear(parent) {
    const values = [];
    for await (const value of new Receiver(parent)) values.push(value);
    say(values);
  }
`;

testRows([
  {
    name: "select() returns { index, value } of a ready operation, and leaves the others untouched",
    source: `${TALKERS}
      await init({ functions: { talk, hear } });
      const one = await spawn(talk, ["a", "b"]), two = await spawn(hear);
      const receiver = new Receiver(one), sender = new Sender(two), never = after(1e9);
      await wait(one);
      let made = 0;
      const chosen = await select([never, receiver.selectableRecv()]);
      say(chosen, Object.keys(chosen));
      const sent = await select([never, sender.selectableSend(() => { made++; return "x"; })]);
      say(sent.index, sent.value, Object.keys(sent), made);
      say(await select([receiver.selectableRecv(), never]));
      say(await select([after(5), never]));
      const { index, error } = await select([never, receiver.selectableRecv()]);
      say(index, error instanceof ChannelError, error.kind, error.remote === one);
      const failed = await select([receiver.selectableRecv()]);
      say(Object.keys(failed));
      await sender.close();
      say((await select([never, sender.selectableSend(() => { made++; })])).error.kind, made);`,
    says: `{"index":1,"value":"a"} ["index","value"]\n1 undefined ["index","value"] 1\n` +
      `{"index":0,"value":"b"}\n{"index":0}\n1 true closed true\n["index","error"]\nclosed 1\n`,
    others: [`["x"]\n`],
  },
  {
    name: "select() picks at random among those that can be done",
    source: `${TALKERS}
      await init({ functions: { talk } });
      const list = Array.from({ length: 400 }, (_, i) => i);
      const pids = [await spawn(talk, list), await spawn(talk, list)];
      const receivers = pids.map((each) => new Receiver(each));
      await Promise.all(pids.map(wait));
      const counts = [0, 0];
      const operations = receivers.map((each) => each.selectableRecv());
      for (let i = 0; i < 400; i++) counts[(await select(operations)).index]++;
      say(counts[0] > 130 && counts[1] > 130, counts[0] + counts[1]);`,
    says: "true 400\n",
  },
  {
    name:
      "select() rejects without a list, with an empty one, or with anything that is not an operation",
    source: `
      await init();
      for (const operations of [[], undefined, [5], [{}], [after(1e9), null]]) {
        const promise = select(operations);
        say(promise instanceof Promise, (await failure(() => promise)) instanceof TypeError);
      }`,
    says: "true true\n".repeat(5),
  },
  {
    name: "an aborted select() rejects with the reason, does nothing, and loses nothing",
    source: `${TALKERS}
      async function slow(parent) {
        await using sender = new Sender(parent);
        await new Receiver(parent).recv(); // until a select has been aborted
        for (let i = 0; i < 300; i++) { await sender.send(i); if (i % 5 === 0) await sleep(1); }
      }
      await init({ functions: { slow } });
      const other = await spawn(slow);
      const receiver = new Receiver(other), go = new Sender(other);
      const operation = receiver.selectableRecv(), got = [];
      let aborted = 0;
      for (let turn = 0; got.at(-1) !== 299; turn++) {
        const controller = new AbortController();
        setTimeout(() => controller.abort("reason"), turn % 3);
        try { got.push((await select([operation, after(1e9)], { signal: controller.signal })).value); } catch (error) {
          if (error !== "reason") throw error;
          if (aborted++ === 0) await go.send("go");
        }
      }
      say(got.length, got.every((value, index) => value === index), aborted > 0);
      say(await failure(() => select([after(0)], { signal: AbortSignal.abort(7) })));`,
    says: "300 true true\n7\n",
  },
  {
    name: "run() does each operation once, and throws the ChannelError of one that fails",
    source: `${TALKERS}
      await init({ functions: { talk, hear } });
      const one = await spawn(talk, [1]), two = await spawn(hear);
      const receiver = new Receiver(one), sender = new Sender(two);
      const begun = performance.now();
      say(String(await run([receiver.selectableRecv(), sender.selectableSend(() => "sent"), after(30)])));
      say(performance.now() - begun >= 29, String(await run([])));
      const made = function* () { yield sender.selectableSend(() => 1); yield sender.selectableSend(() => 1); };
      await run(made());
      const error = await failure(() => run([after(1e9), receiver.selectableRecv()]));
      say(error instanceof ChannelError, error.kind);
      await sender.close();
      Deno.exit(0);`,
    says: "undefined\ntrue undefined\ntrue closed\n",
    others: [`["sent",1,1]\n`],
  },
  {
    name: "a process between two that select both ways on full channels does not deadlock",
    source: `
      async function relay(parent, _) {
        const [from, to] = [new Receiver(parent), new Sender(parent)];
        const queue = [];
        let open = true;
        while (open || queue.length > 0) {
          const operations = [];
          if (open) operations.push(from.selectableRecv());
          if (queue.length > 0) operations.push(to.selectableSend(() => queue.shift()));
          const { index, value, error } = await select(operations);
          if (error) open = false;
          else if (open && index === 0) queue.push(value);
        }
        await to.close();
      }
      await init({ functions: { relay } });
      const other = await spawn(relay);
      const [to, from] = [new Sender(other), new Receiver(other)];
      const got = [];
      let sent = 0;
      while (got.length < 60) {
        const operations = [from.selectableRecv()];
        if (sent < 60) operations.push(to.selectableSend(() => [sent++, new Uint8Array(50_000)]));
        const chosen = await select(operations);
        if (chosen.index === 0) got.push(chosen.value[0]);
        if (sent === 60) await to.close();
      }
      say(got.every((value, index) => value === index));`,
    says: "true\n",
  },
  {
    name: "a pending select() keeps a process alive; a timer in one that was not chosen does not",
    source: `${TALKERS}
      async function late(parent) { await sleep(200); await using s = new Sender(parent); await s.send("late"); }
      await init({ functions: { late } });
      const receiver = new Receiver(await spawn(late));
      const begun = performance.now();
      select([receiver.selectableRecv(), after(60_000)]).then(({ value }) => say(value));
      globalThis.addEventListener("unload", () => say(performance.now() - begun < 30_000));`,
    says: "late\ntrue\n",
  },
]);
