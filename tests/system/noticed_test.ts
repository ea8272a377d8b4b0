/** Failures that the program was told of, and others: their effect on the run's exit code. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { IMPORTS } from "./api.ts";
import { runProgram } from "./helpers.ts";

/** The functions of the processes. */
const FUNCTIONS = `
  function fails() { Deno.exit(3); }
  async function waits(parent) { await new Receiver(parent).recv(); }
  async function sendsAndFails(parent) { await new Sender(parent).send(1); Deno.exit(3); }
  async function tree(parent) {
    const children = [await spawn(waits), await spawn(waits)];
    await new Sender(parent).send(children);
    await waits(parent);
  }
  async function neverLooks() { await spawn(fails); }
  async function looks() { await wait(await spawn(fails)); }
  async function throwsWhatItGets() {
    const receiver = new Receiver(await spawn(sendsAndFails));
    for (;;) await receiver.recv();
  }`;

const TABLE: [what: string, code: number, source: string][] = [
  ["nobody looked", 101, `await spawn(fails);`],
  ["waited for", 0, `await wait(await spawn(fails));`],
  [
    "waited for after its end",
    0,
    `const one = await spawn(fails); await sleep(200); await wait(one);`,
  ],
  [
    "waited for, by Promise.all",
    0,
    `await Promise.all([wait(await spawn(fails)), wait(await spawn(fails))]);`,
  ],
  ["one of two", 101, `await wait(await spawn(fails)); await spawn(fails);`],
  ["waited for by another process", 0, `await wait(await spawn(looks));`],
  ["of a grandchild that nobody looked at", 101, `await wait(await spawn(neverLooks));`],
  ["killed", 0, `await kill(await spawn(waits));`],
  ["killed, without waiting for that", 0, `kill(await spawn(waits)); Deno.exit(0);`],
  [
    "killed with all its descendants",
    0,
    `const root = await spawn(tree);
     await new Receiver(root).recv();
     await kill(root, { descendants: true });`,
  ],
  [
    "killed without its descendants, which fail of that",
    101,
    `const root = await spawn(tree);
     await new Receiver(root).recv();
     await kill(root);`,
  ],
  [
    "told by a ChannelError",
    0,
    `const receiver = new Receiver(await spawn(sendsAndFails));
     await receiver.recv();
     const error = await failure(() => receiver.recv());
     if (error.kind !== "failed" || error.status.code !== 3) throw error;`,
  ],
  [
    "told by a ChannelError that nobody handles: that one fails in turn",
    101,
    `await spawn(throwsWhatItGets);`,
  ],
  [
    "told by a ChannelError that fails the one that is waited for",
    0,
    `await wait(await spawn(throwsWhatItGets));`,
  ],
];

for (const [what, code, source] of TABLE) {
  Deno.test(`a failure of another process, ${what}: the run ends with ${code}`, async () => {
    const names = [...FUNCTIONS.matchAll(/function (\w+)/g)].map(([, name]) => name).join(", ");
    const run = await runProgram(
      `${IMPORTS}${FUNCTIONS}
       await init({ functions: { ${names} } });
       ${source}`,
    );
    assertEquals(run.processes[0]?.status, { code: 0 }, run.stderr);
    assertEquals(run.code, code, run.stderr);
  });
}
