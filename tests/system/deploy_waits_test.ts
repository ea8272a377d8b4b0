/** What the processes of a deployed run wait for: shown at Ctrl-\\ of `deploy`, and at a standstill. */

// @ts-types="../../types/std_assert.d.ts"
import { assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { Deployed } from "../fabric/deployed.ts";

Deno.test({
  name: "Ctrl-\\ and a standstill, of processes on two nodes",
  ignore: Deno.build.os === "windows",
  async fn() {
    // Each of them has room for one process.
    const node = { mem: "1GiB", cpu: 1 };
    await using cluster = await startCluster({ nodes: [node, node] });
    await using program = await Deployed.start(
      cluster.bridge,
      `import { init, type Pid, Receiver, spawn } from "deploy";
       const waits = (parent: Pid) => new Receiver(parent, "answers").recv();
       await init({ functions: { waits }, resources: { cpu: 1 } });
       const pid = await spawn(waits, undefined, { cpu: 1 });
       await new Receiver(pid, "questions").recv();`,
    );
    await program.until(() => program.events.filter(({ event }) => event === "spawn").length === 2);
    const nodes = program.events.flatMap((event) => event.event === "spawn" ? [event.node] : []);
    assertMatch(nodes.join(" "), /^(\S+) (?!\1)\S+$/);
    const first = String.raw`[0-9a-f]{7} main\.ts`;
    const worker = "[0-9a-f]{7} waits";
    const circle = new RegExp(
      `^deploy: processes wait for each other, in a circle: ${first}: recv from ${worker} ` +
        `"questions"; ${worker}: recv from ${first} "answers"`,
      "m",
    );
    while (!circle.test(program.stderr)) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // Now they are known to wait.
    program.kill("SIGQUIT");
    const lines = new RegExp(
      `^${first} +recv from ${worker} "questions"\n${worker} +recv from ${first} "answers"$`,
      "m",
    );
    while (!lines.test(program.stderr)) await new Promise((resolve) => setTimeout(resolve, 100));
    program.kill("SIGINT");
    await program.code;
  },
});
