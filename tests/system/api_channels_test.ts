/** Sender and Receiver, as programs see them: between real processes. */

import { testRows } from "./api.ts";

/** A process that sends back every value until the end of the channel. */
const ECHO = `
  async function echo(parent) {
    await using sender = new Sender(parent);
    for await (const value of new Receiver(parent)) await sender.send(value);
  }
`;

testRows([
  {
    name: "everything that structured clone supports goes through a channel and back unchanged",
    source: `${ECHO}
      await init({ functions: { echo } });
      const other = await spawn(echo);
      const [sender, receiver] = [new Sender(other), new Receiver(other)];
      const shared = { a: 1 };
      const cyclic = { list: [shared, shared], map: new Map([["k", new Set([1n, "x"])]]) };
      cyclic.self = cyclic;
      const error = new RangeError("outer", { cause: new Error("inner") });
      const values = [undefined, null, true, false, 0, -0, NaN, Infinity, -Infinity, 1.5, 2 ** 53,
        123456789012345678901234567890n, -1n, "", "héllo \\u{1F600} \\ud800", new Date(0), new Date(NaN), /a\\/b/giu,
        new Map(), new Set(), new ArrayBuffer(3), new Uint8Array([1, 2]), new Float64Array([NaN, -0]),
        new BigInt64Array([-5n]), new DataView(new ArrayBuffer(4), 1, 2), [1, , 3], { "": 1, "__proto__x": 2 },
        new Boolean(false), new Number(-0), new String("s"), Object(7n)];
      const bad = [];
      for (const value of values) {
        await sender.send(value);
        const back = await receiver.recv();
        if (Deno.inspect(back) !== Deno.inspect(value) || !Object.is(typeof back, typeof value)) bad.push(Deno.inspect(back));
      }
      say(bad);
      await sender.send(cyclic);
      const back = await receiver.recv();
      say(back.self === back, back.list[0] === back.list[1], back.map.get("k").has(1n));
      await sender.send(error);
      const raised = await receiver.recv();
      say(raised instanceof RangeError, raised.name, raised.message, raised.cause instanceof Error, raised.cause.message);
      await sender.close();`,
    says: `[]\ntrue true true\ntrue RangeError outer true inner\n`,
  },
  {
    name:
      "blobs and files go through a channel and with spawn, each in its place among other values",
    source: `
      async function receives(parent, { note, file }) {
        say(note, file.name, file.lastModified, await file.text());
        for await (const value of new Receiver(parent)) {
          say(value instanceof Blob ? value.type + " " + value.size + " " + (await value.text()).slice(0, 5) : value);
        }
      }
      await init({ functions: { receives } });
      const file = new File(["in it"], "a.txt", { lastModified: 7 });
      const other = await spawn(receives, { note: "first", file });
      const sender = new Sender(other);
      sender.send(1);
      sender.send(new Blob(["short"], { type: "text/plain" }));
      sender.send(2);
      sender.send(new Blob(["long".repeat(1_000_000)]));
      await select([sender.selectableSend(() => new Blob(["chosen"]))]);
      sender.send(3);
      await sender.close();
      await wait(other);`,
    says: "",
    others: ["first a.txt 7 in it\n1\ntext/plain 5 short\n2\n 4000000 longl\n 6 chose\n3\n"],
  },
  {
    name: "a blob that can no longer be read rejects its send, and no other",
    source: `
      async function receives(parent) {
        for await (const value of new Receiver(parent)) say(value);
      }
      await init({ functions: { receives } });
      class Unreadable extends Blob {
        arrayBuffer() { return Promise.reject(new Error("unreadable")); }
      }
      const other = await spawn(receives);
      const sender = new Sender(other);
      sender.send("before");
      const failing = sender.send(new Unreadable(["x"])).catch((error) => error.message);
      sender.send("after");
      say(await failing);
      await sender.close();
      await wait(other);`,
    says: "unreadable\n",
    others: ["before\nafter\n"],
  },
  {
    name: "values of 5 MB and 50 MB go there and back",
    source: `${ECHO}
      await init({ functions: { echo } });
      const other = await spawn(echo);
      const [sender, receiver] = [new Sender(other), new Receiver(other)];
      for (const size of [5e6, 5e7]) {
        const value = new Uint8Array(size);
        for (let i = 0; i < size; i += 4093) value[i] = i;
        await sender.send({ value, after: "it" });
        const back = await receiver.recv();
        let same = back.value.length === size && back.after === "it";
        for (let i = 0; i < size; i++) if (value[i] !== back.value[i]) { same = false; break; }
        say(size, same);
      }
      await sender.close();`,
    says: "5000000 true\n50000000 true\n",
  },
  {
    name: "backpressure: sends stay pending until the reader reads, and no value is lost",
    source: `
      async function gate(parent) { await new Receiver(parent).recv(); }
      async function work(parent, before) {
        await using control = new Sender(parent);
        const receiver = new Receiver(parent);
        const values = [];
        await wait(before);
        for await (const value of receiver) values.push(value[0]);
        await control.send(values);
      }
      await init({ functions: { work, gate } });
      const before = await spawn(gate);
      const other = await spawn(work, before);
      const sender = new Sender(other);
      let done = 0;
      const sends = [];
      for (let i = 0; i < 100; i++) sends.push(sender.send(new Uint8Array(65536).fill(i)).then(() => done++));
      await sends[0];
      await sleep(300);
      say(done >= 1 && done <= 40, sender.trySend(new Uint8Array(9)));
      await new Sender(before).send("open");
      await Promise.all(sends);
      await sender.close();
      const values = await new Receiver(other).recv();
      say(done, values.length, values.every((value, index) => value === index));`,
    says: "true false\n100 100 true\n",
  },
  {
    name: "send() copies, and sends that are not awaited keep their order",
    source: `${ECHO}
      await init({ functions: { echo } });
      const other = await spawn(echo);
      const [sender, receiver] = [new Sender(other), new Receiver(other)];
      const value = { n: 0, bytes: new Uint8Array(200_000) };
      for (let n = 0; n < 30; n++) {
        value.n = n;
        value.bytes[0] = n;
        sender.send(value);
      }
      value.n = -1;
      value.bytes[0] = 99;
      const order = [];
      for (let n = 0; n < 30; n++) {
        const { n: got, bytes } = await receiver.recv();
        order.push(got === n && bytes[0] === n);
      }
      say(order.every(Boolean));
      await sender.close();`,
    says: "true\n",
  },
  {
    name:
      "calls of recv() that overlap are served in the order they were made, tryRecv() after them",
    source: `
      async function work(parent) {
        const sender = new Sender(parent);
        await new Receiver(parent).recv();
        for (let i = 0; i < 6; i++) await sender.send(i);
      }
      await init({ functions: { work } });
      const other = await spawn(work);
      const receiver = new Receiver(other);
      say(receiver.tryRecv() === undefined);
      const order = [];
      const all = [0, 1, 2, 3].map((call) => receiver.recv().then((value) => order.push([call, value])));
      await new Sender(other).send("go");
      await Promise.all(all);
      say(order);
      await wait(other);
      say(receiver.tryRecv(), receiver.tryRecv(), await receiver.recv().catch((e) => e.kind));
      try { receiver.tryRecv(); } catch (error) { say(error.name, error.kind, error.remote === other); }`,
    says:
      `true\n[[0,0],[1,1],[2,2],[3,3]]\n{"value":4} {"value":5} exited\nChannelError exited true\n`,
  },
  {
    name:
      "a channel ends as closed, exited, failed or lost, after all its values; loops and streams end or throw",
    source: `
      const ends = {
        async closed(parent) { const s = new Sender(parent); await s.send(1); s.send(2); await s.close(); await sleep(1e6); },
        async exited(parent) { const s = new Sender(parent); s.send(1); s.send(2); },
        async exits(parent) { const s = new Sender(parent); s.send(1); s.send(2); Deno.exit(3); },
        async throws(parent) { const s = new Sender(parent); s.send(1); await s.send(2); throw new Error("on purpose"); },
        async lost(parent) { const s = new Sender(parent); await s.send(1); await s.send(2); await new Sender(parent, "arrived").close(); Deno.kill(Deno.pid, "SIGKILL"); await sleep(1e6); },
      };
      await init({ functions: ends });
      for (const [name, fn] of Object.entries(ends)) {
        const said = [name];
        for (const read of [
          async (receiver, got) => { for (;;) got.push(await receiver.recv()); },
          async (receiver, got) => { for await (const value of receiver) got.push(value); },
          async (receiver, got) => { for await (const value of receiver.readable) got.push(value); },
        ]) {
          const other = await spawn(fn), got = [];
          const receiver = new Receiver(other);
          try { await read(receiver, got); said.push(got, "end"); } catch (error) {
            said.push(got, error instanceof ChannelError && error.remote === other && error.kind);
          }
          if (name === "closed") await kill(other);
        }
        say(...said);
      }`,
    says: `closed [1,2] closed [1,2] end [1,2] end\n` +
      `exited [1,2] exited [1,2] end [1,2] end\n` +
      `exits [1,2] failed [1,2] failed [1,2] failed\n` +
      `throws [1,2] failed [1,2] failed [1,2] failed\n` +
      `lost [1,2] lost [1,2] lost [1,2] lost\n`,
    stderr: /^(error: Uncaught \(in promise\) Error: on purpose\n( .*\n)+){3}$/,
  },
  {
    name: "send() rejects once the remote is gone, or its Receiver is closed",
    source: `
      const ends = {
        async closed(parent) { const r = new Receiver(parent); await r.recv(); await r.close(); await sleep(1e6); },
        async exited(parent) { await new Receiver(parent).recv(); },
        async lost(parent) { await new Receiver(parent).recv(); Deno.kill(Deno.pid, "SIGKILL"); await sleep(1e6); },
      };
      await init({ functions: ends });
      for (const [name, fn] of Object.entries(ends)) {
        const other = await spawn(fn);
        const sender = new Sender(other);
        await sender.send("go");
        const error = await failure(async () => { for (;;) { await sender.send(0); await sleep(1); } });
        const again = await failure(() => sender.trySend(0));
        say(name, error instanceof ChannelError, error.kind, again.kind, error.remote === other);
        await sender.close();
        await kill(other);
      }`,
    says:
      "closed true closed closed true\nexited true exited exited true\nlost true lost lost true\n",
  },
  {
    name:
      "the constructors refuse this process, an invalid Pid, and a second end; not after close()",
    source: `
      async function work(parent) {
        const numbers = new Receiver(parent);
        say(await numbers.recv());
        await numbers.close();
        const texts = new Receiver(parent);
        say(await texts.recv());
      }
      await init({ functions: { work } });
      const other = await spawn(work);
      const sender = new Sender(other), receiver = new Receiver(other);
      for (const [End, name] of [[Sender, "Sender"], [Receiver, "Receiver"]]) {
        say((await failure(() => new End(pid()))).message.endsWith("a process cannot create a channel to itself"));
        say((await failure(() => new End(other))).message.includes(\`a \${name} to this pid already exists\`));
        for (const none of ["", "x", 7, undefined, null, {}]) say((await failure(() => new End(none))) instanceof Error);
      }
      await sender.send(1);
      await sender.close();
      const texts = new Sender(other);
      await texts.send("text");
      say(sender.remote === other, receiver.remote === other);
      await receiver.close();
      new Receiver(other);
      await wait(other);`,
    says: "true\n".repeat(16) + "true true\n",
    others: ["1\ntext\n"],
  },
  {
    name: "values sent before there is a Receiver wait for it, even after their sender has ended",
    source: `
      async function work(parent) {
        const sender = new Sender(parent);
        for (let i = 0; i < 3; i++) await sender.send(i);
      }
      await init({ functions: { work } });
      const other = await spawn(work);
      await sleep(300);
      const values = [];
      for await (const value of new Receiver(other)) values.push(value);
      say(values, await wait(other));`,
    says: `[0,1,2] {"code":0}\n`,
  },
  {
    name:
      "close() of a Sender resolves when all has arrived, read or not; of a Receiver drops the rest",
    source: `
      async function work(parent) {
        const go = new Receiver(parent);
        await sleep(1e6);
      }
      async function chatty(parent) {
        const sender = new Sender(parent);
        let error;
        try { for (;;) await sender.send(new Uint8Array(1000)); } catch (e) { error = e; }
        say(error.kind);
      }
      await init({ functions: { work, chatty } });
      const other = await spawn(work);
      const sender = new Sender(other);
      for (let i = 0; i < 50; i++) await sender.send(i);
      await sender.close();
      say("closed");
      await sender.close();
      say((await failure(() => sender.send(1))).kind);
      await kill(other);
      const talker = await spawn(chatty);
      const receiver = new Receiver(talker);
      await receiver.recv();
      await receiver.close();
      await receiver.close();
      say((await failure(() => receiver.recv())).kind, await wait(talker));`,
    says: `closed\nclosed\nclosed {"code":0}\n`,
    others: ["closed\n"],
  },
  {
    name: "an aborted recv() or send() rejects with the reason, and no value is lost",
    source: `
      async function gate(parent) { await new Receiver(parent).recv(); }
      async function work(parent, before) {
        const sender = new Sender(parent), receiver = new Receiver(parent);
        for (let i = 0; i < 500; i++) { await sender.send(i); if (i % 7 === 0) await sleep(1); }
        await sender.close();
        const got = [];
        await wait(before);
        for await (const [n] of receiver) got.push(n);
        say(got.length > 5, got.every((n, i) => i === 0 || n > got[i - 1]), got.at(-1));
      }
      await init({ functions: { work, gate } });
      const before = await spawn(gate);
      const other = await spawn(work, before);
      const receiver = new Receiver(other);
      const got = [];
      let aborted = 0;
      for (let turn = 0; got.at(-1) !== 499; turn++) {
        const controller = new AbortController();
        const reason = { turn };
        setTimeout(() => controller.abort(reason), turn % 3);
        try { got.push(await receiver.recv({ signal: controller.signal })); } catch (error) {
          if (error !== reason) throw error;
          aborted++;
        }
      }
      say(got.length, got.every((value, index) => value === index));
      const early = new Error("early");
      say((await failure(() => receiver.recv({ signal: AbortSignal.abort(early) }))) === early);
      const sender = new Sender(other);
      let taken = 0, refused = 0;
      const last = [];
      for (let i = 0; i < 40; i++) {
        const controller = new AbortController();
        const sending = sender.send([i, new Uint8Array(100_000)], { signal: controller.signal });
        setTimeout(() => controller.abort("enough"), 2);
        try { await sending; taken++; } catch (error) { if (error !== "enough") throw error; refused++; }
      }
      say(taken + refused, taken > 5, refused > 5);
      await new Sender(before).send("open");
      await sender.send(["last"]);
      await sender.close();
      await wait(other);`,
    says: "500 true\ntrue\n40 true true\n",
    others: ["true false last\n"],
  },
  {
    name: "streams: readable and writable pipe through a process, with their ends",
    source: `
      async function upper(parent) {
        await new Receiver(parent).readable
          .pipeThrough(new TransformStream({ transform(text, c) { c.enqueue(text.toUpperCase()); } }))
          .pipeTo(new Sender(parent).writable);
      }
      await init({ functions: { upper } });
      const other = await spawn(upper);
      const feed = ReadableStream.from(Array.from({ length: 200 }, (_, i) => "text " + i));
      const feeding = feed.pipeTo(new Sender(other).writable);
      const got = [];
      for await (const text of new Receiver(other).readable) got.push(text);
      await feeding;
      say(got.length, got[0], got[199], await wait(other));`,
    says: `200 TEXT 0 TEXT 199 {"code":0}\n`,
  },
  {
    name: "one stuck channel does not stop another one to the same process",
    source: `${ECHO}
      async function work(parent) {
        const sender = new Sender(parent);
        const sending = (async () => { for (let i = 0; i < 80; i++) await sender.send(new Uint8Array(65536)); })();
        const receiver = new Receiver(parent);
        let sum = 0;
        for (let i = 0; i < 100; i++) sum += await receiver.recv();
        say(sum);
        await sending;
      }
      await init({ functions: { work } });
      const other = await spawn(work);
      const stuck = new Receiver(other), sender = new Sender(other);
      for (let i = 0; i < 100; i++) await sender.send(i);
      await sender.close();
      let count = 0;
      for await (const _ of stuck) count++;
      say(count);`,
    says: "80\n",
    others: ["4950\n"],
  },
]);
