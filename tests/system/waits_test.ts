/** What the processes of a local run wait for: shown at Ctrl-\, and at a standstill. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { type RunningProgram, startProgram } from "./helpers.ts";

const isWindows = Deno.build.os === "windows";

const WAITING = `
  import { Acceptor, after, init, type Pid, pid, Receiver, select, Sender, spawn, wait } from "deploy";
  const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  async function fills(parent: Pid) {
    const sender = new Sender<Uint8Array>(parent, "data");
    while (true) await sender.send(new Uint8Array(20_000));
  }
  async function computes(parent: Pid) {
    const sender = new Sender<number>(parent);
    await sender.send(1);
    await sender.close(); // so that it has arrived
    while (true);
  }
  const sleeps = () => sleep(60_000);
  const selects = (parent: Pid) =>
    select([new Receiver(parent, "a").selectableRecv(), after(60_000)]);
  const accepts = () => new Acceptor("clients").accept();
  await init({ functions: { fills, computes, sleeps, selects, accepts } });
  const filling = await spawn(fills);
  await spawn(sleeps, undefined, { name: "night" });
  await spawn(selects);
  await spawn(accepts);
  const computing = await spawn(computes);
  await new Receiver(computing).recv();
  await new Receiver<Uint8Array>(filling, "data").recv();
  console.log("ready");
  await wait(filling);
`;

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

/** The stderr of the launcher. */
async function end(program: RunningProgram): Promise<string> {
  program.child.kill("SIGINT");
  program.child.kill("SIGINT");
  return (await program.result).raw.stderr;
}

Deno.test({
  name: "Ctrl-\\ shows on stderr what each process waits for, and the run goes on",
  ignore: isWindows,
  async fn() {
    await using program = await startProgram(WAITING);
    await program.seen((event) => "text" in event && event.text === "ready\n");
    const lines = [
      /^[0-9a-f]{7} main\.ts +wait [0-9a-f]{7} fills$/m,
      /^[0-9a-f]{7} fills +send to [0-9a-f]{7} main\.ts "data" \(window full: 1(\.\d+)? MiB unread\)$/m,
      /^[0-9a-f]{7} night +timers, or I\/O of its own$/m,
      /^[0-9a-f]{7} selects +select: recv from [0-9a-f]{7} main\.ts "a" or after\(\)$/m,
      /^[0-9a-f]{7} accepts +accept "clients"$/m,
      /^[0-9a-f]{7} computes +computing for \d+ s$/m,
    ];
    // They come to wait at their own pace, and one that is not asked in its turn is asked again.
    const { signal, abort } = abortable();
    const said = Promise.all(lines.map((line) => program.says(line))).finally(abort);
    said.catch(() => {}); // awaited below
    while (!signal.aborted) {
      program.child.kill("SIGQUIT");
      await delay(1_000, { signal }).catch(() => {}); // all is said
    }
    await said;
    await end(program);
  },
});

const NOTHING = /processes wait for each other|no process can go on/;

Deno.test("processes that wait for each other are reported with their circle, once", async () => {
  await using program = await startProgram(`
    import { init, type Pid, Receiver, spawn } from "deploy";
    const waits = (parent: Pid) => new Receiver(parent, "answers").recv();
    await init({ functions: { waits } });
    const pid = await spawn(waits);
    await new Receiver(pid, "questions").recv();
  `);
  const lines = /^deploy: processes wait for each other, in a circle: (.*)$/gm;
  await program.says(new RegExp(lines, "m"));
  // A second time would come as long after the first as that came after the beginning.
  await delay(6_500);
  const found = [...(await end(program)).matchAll(lines)].map(([, circle]) => circle ?? "");
  assertEquals(found.length, 1);
  assertMatch(
    found[0] ?? "",
    /^[0-9a-f]{7} main\.ts: recv from [0-9a-f]{7} waits "questions"; [0-9a-f]{7} waits: recv from [0-9a-f]{7} main\.ts "answers" \(unless a timer or input of their own wakes them\)$/,
  );
});

Deno.test("a run that something may wake is not said to be at a standstill", async () => {
  const programs = [
    // A server, and an idle worker of it.
    `Deno.serve({ port: 0, onListen() {} }, () => new Response("ok"));
     const worker = await spawn(waits);
     await new Receiver(worker).recv();`,
    // A timer in a select.
    `const worker = await spawn(waits);
     await select([new Receiver(worker).selectableRecv(), after(60_000)]);`,
    // A process that only sleeps.
    `await spawn(waits);
     await new Promise((resolve) => setTimeout(resolve, 60_000));`,
    // A process that computes.
    `const worker = await spawn(computes);
     await new Receiver(worker).recv();`,
  ];
  const runs = await Promise.all(programs.map((main) =>
    startProgram(`
      import { after, init, type Pid, Receiver, select, spawn } from "deploy";
      const waits = (parent: Pid) => new Receiver(parent).recv();
      const computes = () => { while (true); };
      await init({ functions: { computes, waits } });
      ${main}
    `)
  ));
  await delay(13_000);
  for (const program of runs) {
    await using running = program;
    const stderr = await end(running);
    assertEquals(stderr.match(NOTHING), null, stderr);
  }
});
