/** Whatever the processes of a run have started, in whichever groups and sessions, ends with them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { isAlive, untilGone } from "../node/node_harness.ts";
import { startProgram } from "./helpers.ts";
import { LEAVES } from "./left_program.ts";
import { way } from "./ways.ts";

/** The time that a process may take to be gone after the end of its parent. */
const GONE_MS = 5_000;

/** How the process, or its launcher, ends. */
const ENDS = ["return", "exit", "throw", "signal", "kill", "told to stop", "launcher killed"];

for (const end of ENDS) {
  Deno.test({
    name: `what a process has started in other sessions ends with it: ${end}`,
    ignore: Deno.build.os !== "linux" || way === "deployed",
    fn: async () => {
      await using program = await startProgram(LEAVES, { args: [end] });
      const told = await program.seen((event) => event.event === "output" && event.fd === 1);
      const ids: number[] = JSON.parse("text" in told ? told.text : "");
      if (end === "told to stop" || end === "launcher killed") {
        assert(ids.every(isAlive), `${ids}`);
        program.child.kill(end === "told to stop" ? "SIGTERM" : "SIGKILL");
        await program.child.status;
      }
      await untilGone(ids, GONE_MS);
    },
  });
}
