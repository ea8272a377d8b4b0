/** Where the traces of errors begin and end: at lines of the program. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { IMPORTS, testRows } from "./api.ts";
import { runProgram } from "./helpers.ts";

/** Says which of the functions in `table` is not the first in the stack of its error. */
const FIRST_FRAMES = `
  const firstFrames = async (table) => {
    for (const [name, fn] of Object.entries(table)) {
      const error = await failure(fn);
      const [header, frame] = error.stack.slice(error.stack.indexOf(error.message))
        .slice(error.message.length).split("\\n");
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
    name: "what a getter of the program throws keeps its own stack",
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

Deno.test("the trace of an uncaught error has nothing of the runtime before or after the program's lines", async () => {
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
    Array.from(stderr.matchAll(/^\s+at (?:async )?(\S+)/gm), ([, name]) => name!)
  );
  const [main, ...spawned] = traces;
  assertEquals(main?.[0], "main", run.stderr);
  assertEquals(main?.length, 2, run.stderr);
  assertEquals(spawned, [["inner", "sync"], ["deeper", "later"], ["operation"]], run.stderr);
});
