/** Programs that do much of something, and the ways to start them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { IMPORTS, testRows } from "./api.ts";
import { runProgram } from "./helpers.ts";
import { way } from "./ways.ts";

testRows([
  {
    name: "neither end of a channel holds more than a window, however much goes through it",
    source: `
      async function work(parent) {
        const receiver = new Receiver(parent);
        const before = Deno.memoryUsage().rss;
        let most = 0, bytes = 0;
        for await (const value of receiver) {
          bytes += value.length;
          if (bytes % 6_553_600 === 0) most = Math.max(most, Deno.memoryUsage().rss);
        }
        say(bytes, most - before < 100 * MiB || most - before);
      }
      await init({ functions: { work } });
      const sender = new Sender(await spawn(work));
      const chunk = new Uint8Array(65_536);
      const before = Deno.memoryUsage().rss;
      for (let i = 0; i < 5000; i++) await sender.send(chunk);
      say(Deno.memoryUsage().rss - before < 100 * MiB || Deno.memoryUsage().rss - before);
      await sender.close();`,
    says: "true\n",
    others: ["327680000 true\n"],
  },
  {
    name: "an argument of 10 MB, and 1000 receives that wait at once",
    source: `
      async function work(parent, bytes) {
        const sender = new Sender(parent);
        await sender.send(bytes.length);
        for (let i = 0; i < 1000; i++) sender.send(i);
      }
      await init({ functions: { work } });
      const receiver = new Receiver(await spawn(work, new Uint8Array(1e7)));
      say(await receiver.recv());
      const values = await Promise.all(Array.from({ length: 1000 }, () => receiver.recv()));
      say(values.every((value, index) => value === index));`,
    says: "10000000\ntrue\n",
  },
  {
    name: "40 processes, one after the other, and channels that are made and closed 200 times",
    source: `
      async function work(parent, n) { await using s = new Sender(parent); await s.send(n); }
      async function echo(parent) {
        for (let n = 0; n < 200; n++) {
          await using receiver = new Receiver(parent);
          await using sender = new Sender(parent);
          await sender.send(await receiver.recv());
        }
      }
      await init({ functions: { work, echo } });
      let sum = 0;
      for (let n = 0; n < 40; n++) sum += await new Receiver(await spawn(work, n)).recv();
      say(sum);
      const other = await spawn(echo);
      for (let n = 0; n < 200; n++) {
        await using sender = new Sender(other);
        await using receiver = new Receiver(other);
        await sender.send({ n });
        sum += (await receiver.recv()).n;
      }
      say(sum);`,
    says: "780\n20680\n",
  },
]);

Deno.test({
  name: "flags of deno and an import map hold in every process",
  ignore: way !== "run",
  async fn() {
    const imports = {
      ...config.imports,
      deploy: new URL("../../mod.ts", import.meta.url).href,
      thing: "./thing with space.ts",
    };
    const run = await runProgram(
      `import { thing } from "thing";
      ${IMPORTS}
      const show = () => say(thing, typeof gc, typeof Deno.openKv, Deno.env.get("FROM_FILE"));
      function work() { show(); }
      await init({ functions: { work } });
      show();
      await wait(await spawn(work));`,
      {
        flags: ["-A", "--import-map", "map.json", "--v8-flags=--expose-gc", "--env-file=my.env"],
        files: {
          "map.json": JSON.stringify({ imports }),
          "thing with space.ts": "export const thing: string = 'a thing';",
          "my.env": "FROM_FILE=there\n",
        },
      },
    );
    const line = "a thing function undefined there\n";
    assertEquals(run.processes.map(({ stdout }) => stdout), [line, line], run.raw.stderr);
  },
});

Deno.test({
  name: "the processes of a program have no more permissions than it has",
  ignore: way !== "run",
  async fn() {
    const run = await runProgram(
      `${IMPORTS}
      const show = () => say(["ffi", "write", "sys", "net", "env"].map((name) =>
        Deno.permissions.querySync({ name }).state), Deno.permissions.querySync({ name: "read", path: "/etc" }).state);
      async function work(parent) {
        show();
        await using sender = new Sender(parent);
        for (let i = 0; i < 9; i++) sender.send(new Uint8Array(300_000));
        Deno.exit(0);
      }
      await init({ functions: { work } });
      show();
      const other = await spawn(work);
      let count = 0;
      for await (const _ of new Receiver(other)) count++;
      say(count, await wait(other));`,
      { flags: ["--no-prompt", "--allow-net", "--allow-env", "--allow-run", "--allow-read=."] },
    );
    const line = `["prompt","prompt","prompt","granted","granted"] prompt\n`;
    assertEquals(
      run.processes.map(({ stdout }) => stdout),
      [`${line}9 {"code":0}\n`, line],
      run.raw.stderr + run.stderr,
    );
  },
});
