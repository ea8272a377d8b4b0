/** A reader can always tell a whole stream from a cut one, however the sending process ends. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { IMPORTS } from "./api.ts";
import { runProgram } from "./helpers.ts";

/** Reads to the end, and prints the values and how the channel ended. */
const READS = `
  const values = [];
  try {
    for await (const value of new Receiver(remote)) values.push(value);
    say(values, "whole");
  } catch (error) { say(values, error.kind, error.status ?? "status unknown"); }`;

const FAILED_1 = `[1] failed {"code":1}\n`;

/** What a process does after it has sent 1, and what its reader gets. */
const ENDS: [string, string][] = [
  ["await using sender = new Sender(remote); await sender.send(1);", "[1] whole\n"],
  ["const sender = new Sender(remote); await sender.send(1);", "[1] whole\n"],
  ["const sender = new Sender(remote); await sender.send(1); throw new Error('x');", FAILED_1],
  [
    "await using sender = new Sender(remote); await sender.send(1); throw new Error('x');",
    FAILED_1,
  ],
  [
    "await using sender = new Sender(remote); await sender.send(1); await null; throw new Error('x');",
    FAILED_1,
  ],
  [
    "const deep = async (n) => { if (n > 0) return await deep(n - 1); " +
    "await using sender = new Sender(remote); await sender.send(1); await sleep(5); undefined.x; };" +
    "await deep(30);",
    FAILED_1,
  ],
  [
    "try { await using sender = new Sender(remote); await sender.send(1); throw new Error('x'); }" +
    "catch (error) { throw new Error('wrapped', { cause: error }); } finally { await null; }",
    FAILED_1,
  ],
  [
    "(async () => { await using sender = new Sender(remote); await sender.send(1); " +
    "throw new Error('x'); })(); await new Promise(() => {});",
    FAILED_1,
  ],
  [
    "try { await using sender = new Sender(remote); await sender.send(1); throw new Error('x'); }" +
    "catch { Deno.exit(4); }",
    `[1] failed {"code":4}\n`,
  ],
  [
    "try { await using sender = new Sender(remote); await sender.send(1); throw new Error('x'); }" +
    "catch { say('handled'); }",
    "[1] whole\n",
  ],
  [
    "{ await using sender = new Sender(remote); await sender.send(1); } Deno.exit(0);",
    "[1] whole\n",
  ],
  [
    "const sender = new Sender(remote); await sender.send(1); await sender.close(); Deno.exit(5);",
    "[1] whole\n",
  ],
  ["const sender = new Sender(remote); sender.send(1); Deno.exit(5);", `[1] failed {"code":5}\n`],
  [
    "const sender = new Sender(remote); sender.send(1); Deno.exitCode = 6;",
    `[1] failed {"code":6}\n`,
  ],
  [
    "const sender = new Sender(remote); sender.send(1); sender.abort(new Error('why'));",
    "[1] aborted status unknown\n",
  ],
  [
    "const sender = new Sender(remote); await sender.send(1); await new Sender(remote, 'arrived').close(); await kill(pid());",
    `[1] lost {"signal":"SIGKILL"}\n`,
  ],
];

Deno.test("a reader learns how the stream of a spawned process ended", async () => {
  const ways = ENDS.map(([end]) => `async (remote) => { ${end} }`);
  for (const flags of [["-A"], ["--allow-net", "--allow-env", "--allow-read", "--allow-run"]]) {
    const run = await runProgram(
      `${IMPORTS}
      const ways = [${ways}];
      const work = (remote, way) => ways[way](remote);
      await init({ functions: { work } });
      for (const way of ways.keys()) {
        const remote = await spawn(work, way);
        ${READS}
      }`,
      { flags },
    );
    const told = run.processes[0]?.stdout.split("\n") ?? [];
    for (const [way, [end, says]] of ENDS.entries()) {
      assertEquals(told[way] + "\n", says, `${flags}: ${end}: ${run.processes[0]?.stderr}`);
    }
  }
});

/** Ends that only the first process can have: its function is a module. */
Deno.test("a reader learns how the stream of the first process ended", async () => {
  for (const [end, says] of ENDS.filter(([end]) => !/finally|deep|sure/.test(end))) {
    const run = await runProgram(`${IMPORTS}
      async function work(remote) { ${READS} }
      await init({ functions: { work } });
      const remote = await spawn(work);
      ${end}`);
    const [first, other] = run.processes;
    assertEquals(other?.stdout, says, `${end}: ${first?.stderr}`);
  }
});

Deno.test("a server hears of clients that it does not know, and of how they end", async () => {
  const run = await runProgram(`${IMPORTS}
    async function client(parent, index) {
      const server = await new Receiver(parent).recv();
      const questions = new Sender(server, "questions");
      const answers = new Receiver(server, "questions");
      await questions.send(index);
      say(await answers.recv());
      if (index === 2) throw new Error("this one fails");
    }
    async function server(parent, count) {
      const acceptor = new Acceptor("questions");
      const serve = async (questions) => {
        const answers = new Sender(questions.remote, "questions");
        try {
          for await (const question of questions) await answers.send(question * question);
          return "whole";
        } catch (error) { return error.kind; }
      };
      const served = [];
      while (served.length < count) served.push(serve(await acceptor.accept()));
      say((await Promise.all(served)).toSorted());
    }
    await init({ functions: { client, server } });
    const serving = await spawn(server, 4);
    for (let index = 0; index < 4; index++) {
      await new Sender(await spawn(client, index)).send(serving);
    }`);
  const [, ...others] = run.processes;
  assertEquals(others.map(({ stdout }) => stdout).toSorted(), [
    "0\n",
    "1\n",
    "4\n",
    "9\n",
    `["failed","whole","whole","whole"]\n`,
  ]);
});
