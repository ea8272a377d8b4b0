/** Every command that looks at runs, used by a shell script as a user would write it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { CLI, Project } from "./deploy_harness.ts";

/** Hands each line of its stdin to another process, which prints it; then ends with 7. */
const PROGRAM = `
import { init, Receiver, Sender, spawn, wait } from "deploy";
async function echo(parent) {
  console.log("echo is ready");
  for await (const word of new Receiver(parent)) console.log("echo " + word);
}
await init({ functions: { echo } });
const pid = await spawn(echo);
console.log("main is ready");
const sender = new Sender(pid);
const text = await new Response(Deno.stdin.readable).text();
for (const word of text.trim().split("\\n")) await sender.send(word);
sender.close();
await wait(pid);
Deno.exit(7);
`;

Deno.test("a shell script starts a run, finds it again, reads it, gives it stdin, and ends one", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "4GiB", cpu: 8 }] });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const { code, stderr } = await new Deno.Command("bash", {
    args: [`${import.meta.dirname}/every_command.sh`],
    cwd: project.folder,
    env: {
      ...{ DENO: Deno.execPath(), CLI, DEPLOY_BRIDGE: cluster.bridge },
      ...{ DEPLOY_SECRET_FILE: SECRET_FILE, DEPLOY_FORMAT: "", NO_COLOR: "1" },
    },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(300_000),
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});
