/** deploy/testing works in a user's project, which is in another folder and has an import map. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import importMap from "../../import_map.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

const MAIN = `
import { init, type Pid, Receiver, Sender, spawn } from "deploy";
async function worker(parent: Pid, value: number) {
  await new Sender<number>(parent).send(value * 2);
}
await init({ functions: { worker } });
const pid = await spawn(worker, 21);
await using receiver = new Receiver<number>(pid);
console.log(await receiver.recv());
`;

const TEST = `
import { runProgram, TestCluster } from "deploy/testing";
const program = new URL("./main.ts", import.meta.url);
function check(what: { code: number; stdout: string; processes: readonly unknown[] }, count = 2) {
  const { code, stdout, processes } = what;
  if (code !== 0 || stdout !== "42\\n" || processes.length !== count) {
    throw new Error(JSON.stringify(what));
  }
}
Deno.test("here", async () => check(await runProgram(program)));
Deno.test("on a cluster", async () => {
  await using cluster = await TestCluster.start({ nodes: 2, mem: "1GiB", cpu: 2 });
  await using run = await cluster.deploy(program);
  check(await run.ended);
});
Deno.test("chaos that is not stopped", async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  await using _chaos = cluster.chaos({ seed: 12345 });
  check(await runProgram(program), 3);
});
Deno.test("a test that waits for what does not come", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  await using run = await cluster.deploy(program);
  await run.output(/never/);
});
`;

Deno.test("in a user's project, tests run with its import map, and failures say why", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-user-" });
  try {
    const map = `${folder}/import_map.json`;
    const imports = Object.fromEntries(
      Object.entries(importMap.imports).map(([name, to]) => [
        name,
        to.startsWith("./") ? new URL(to, ROOT).href : to,
      ]),
    );
    await Deno.writeTextFile(map, JSON.stringify({ imports }));
    await Deno.writeTextFile(`${folder}/deno.json`, '{ "importMap": "./import_map.json" }');
    await Deno.writeTextFile(`${folder}/main.ts`, MAIN);
    await Deno.writeTextFile(`${folder}/main_test.ts`, TEST);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A"],
      cwd: folder,
      env: { NO_COLOR: "1", DENO_TEST_SANITIZE_OPS: "1", DENO_TEST_SANITIZE_RESOURCES: "1" },
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const said = `${out}\n${err}`;
    assertEquals(code, 1, said);
    assertMatch(said, /^here \.\.\. ok/m);
    assertMatch(said, /^on a cluster \.\.\. ok/m);
    assertMatch(said, /^deploy\/testing: chaos with seed 12345, which was not stopped:$/m);
    assertMatch(said, /"stdout":"42\\n"/);
    assertMatch(said, /The run of \S+main\.ts ended without a line that matches \/never\//);
    assertMatch(said, /2 passed \| 2 failed/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
