/** A bridge that is far away: whatever deploy and it send to each other arrives 200 ms later. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { parseAddress } from "../../src/core/address.ts";
import { Relay } from "../channel/relay.ts";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";

const DELAY_MS = 200;

const ECHO = `
import { init } from "deploy";
await init();
for await (let chunk of Deno.stdin.readable) {
  while (chunk.length > 0) chunk = chunk.subarray(await Deno.stdout.write(chunk));
}
`;

Deno.test(`a program is shipped, fed and shown over a connection with a delay of ${DELAY_MS} ms`, async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "4GiB", cpu: 8 }] });
  await using project = await Project.make({ "main.ts": ECHO });
  const { host, port } = parseAddress(cluster.bridge)!;
  using relay = new Relay({ hostname: host, port }, { hostname: "127.0.0.1", port: 0 });
  relay.fate = () => ({ cutAfter: Infinity, delayMs: DELAY_MS });
  assert("port" in relay.endpoint);
  const stdin = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`).join("");
  const { code, stdout, stderr } = await deploy([`127.0.0.1:${relay.endpoint.port}`, "main.ts"], {
    cwd: project.folder,
    stdin,
  });
  assertEquals(code, 0, stderr);
  assert(stdout === stdin, `${stdout.length} of ${stdin.length} characters came back: ${stderr}`);
});
