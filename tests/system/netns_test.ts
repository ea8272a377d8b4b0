/** Networks of tests leave nothing, even if their tests are killed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { untilGone } from "../node/node_harness.ts";
import { Network, networkTest } from "./netns.ts";

const NETNS = new URL("netns.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

async function networksOf(pid: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir("/run/netns")) {
    if (name.startsWith(`deploy-test-${pid}-`)) names.push(name);
  }
  return names;
}

networkTest(
  "a network is removed with what runs in it; that of a killed process, by the next one",
  async () => {
    const source = `
    import { Network } from ${JSON.stringify(NETNS)};
    const { hosts: [host] } = await Network.create(1);
    const [path, ...args] = [...host.prefix, "sleep", "1000"];
    const { pid } = new Deno.Command(path, { args, stdout: "null", stderr: "null" }).spawn();
    while (!(await host.processes()).includes(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(pid);
    await new Promise((resolve) => setTimeout(resolve, 1e6));
  `;
    const folder = await Deno.makeTempDir({ prefix: "deploy-netns-" });
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    await using killed = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", CONFIG, `${folder}/main.ts`],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const { value } = await killed.stdout.pipeThrough(new TextDecoderStream()).getReader().read();
    const sleeping = Number(value);
    assert(sleeping > 0, value);
    assertEquals((await networksOf(killed.pid)).length, 2);
    killed.kill("SIGKILL");
    await killed.status;

    {
      await using _network = await Network.create(1);
      assertEquals((await networksOf(Deno.pid)).length, 2);
      assertEquals(await networksOf(killed.pid), []);
      await untilGone([sleeping], 5_000);
    }
    assertEquals(await networksOf(Deno.pid), []);
    await Deno.remove(folder, { recursive: true });
  },
);
