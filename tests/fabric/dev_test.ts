/** `fabric dev`, and the secret that it makes. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { devSecretPath } from "../../src/cli/dev_secret.ts";
import { parseAddress } from "../../src/core/address.ts";
import { deploy, Project } from "../system/deploy_harness.ts";
import { freePort } from "../free_port.ts";
import { ownCache } from "../own_cache.ts";
import { Fabric } from "./cluster.ts";

const PROGRAM = `import { init } from "deploy"; await init(); console.log("hello");`;

/** A user's cache folder, and a fabric dev with it. */
class Dev implements AsyncDisposable {
  readonly cache: string;
  readonly #fabrics: Fabric[] = [];

  private constructor(cache: string) {
    this.cache = cache;
  }

  static async make(): Promise<Dev> {
    return new Dev(await Deno.makeTempDir({ prefix: "deploy-dev-" }));
  }

  get env(): Record<string, string> {
    return { ...ownCache(this.cache), DEPLOY_SECRET_FILE: "" };
  }

  async start(bridge: string, ...args: string[]): Promise<{ fabric: Fabric; bridge: string }> {
    const size = ["--nodes", "1", "--mem", "1GiB", "--cpu", "1"];
    const fabric = new Fabric(["dev", "--bridge", bridge, ...size, ...args], { env: this.env });
    this.#fabrics.push(fabric);
    return { fabric, bridge: await fabric.ready("bridge") };
  }

  /** Where the secret of the cluster with that bridge is. */
  secret(bridge: string): string {
    const variable = (name: string) => name === "XDG_CACHE_HOME" ? this.cache : undefined;
    return devSecretPath(parseAddress(bridge)!, variable, Deno.build.os)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#fabrics.map((fabric) => fabric.stop()));
    await Deno.remove(this.cache, { recursive: true });
  }
}

Deno.test("fabric dev makes a secret at each start, which only commands of the same user find", async () => {
  await using dev = await Dev.make();
  await using project = await Project.make({ "main.ts": PROGRAM });
  const cwd = project.folder;
  // One that nobody else gets while it is started again there.
  const one = await dev.start(`127.0.0.1:${freePort()}`);
  const two = await dev.start("127.0.0.1:0");
  const path = dev.secret(one.bridge);
  const secret = await Deno.readTextFile(path);
  assertMatch(secret, /^deploy_secret_[0-9a-f]{72}\n$/);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(path.replace(/\/[^/]*$/, ""))).mode! & 0o777, 0o700);
  assert(secret !== await Deno.readTextFile(dev.secret(two.bridge)), "each has its own");
  // With nothing to type, to either; and by its other name.
  const { port } = parseAddress(one.bridge)!;
  for (const bridge of [one.bridge, two.bridge, `localhost:${port}`]) {
    const { code, stdout, stderr } = await deploy([bridge, "main.ts"], { cwd, env: dev.env });
    assertEquals([code, stdout], [0, "hello\n"], stderr);
  }
  // What takes the address of the master finds it, too.
  const master = await two.fabric.ready("master");
  await using drained = new Fabric(["drain", master, master], { env: dev.env });
  assertEquals((await drained.ended).code, 0, drained.err.join("\n"));
  assertEquals(drained.out, [`empty ${master}`]);
  // Another user does not have it.
  const env = { ...dev.env, XDG_CACHE_HOME: `${dev.cache}/other` };
  const refused = await deploy([one.bridge, "main.ts"], { cwd, env });
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /the other side has a secret, and this side has none/);
  // It is gone with the cluster, and another one at the next start.
  await one.fabric.stop();
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  const again = await dev.start(one.bridge);
  assert(secret !== await Deno.readTextFile(path));
  // What a killed one has left is replaced.
  again.fabric.kill("SIGKILL");
  await again.fabric.ended;
  const left = await Deno.readTextFile(path);
  await dev.start(one.bridge);
  assert(left !== await Deno.readTextFile(path));
  const { code, stderr } = await deploy([one.bridge, "main.ts"], { cwd, env: dev.env });
  assertEquals(code, 0, stderr);
});

Deno.test("fabric dev with a secret, or --insecure, makes none", async () => {
  await using dev = await Dev.make();
  const given = `${dev.cache}/given`;
  assertEquals((await new Fabric(["secret", given]).ended).code, 0);
  for (const args of [["--secret-file", given], ["--insecure"]]) {
    const { bridge } = await dev.start("127.0.0.1:0", ...args);
    await assertRejects(() => Deno.stat(dev.secret(bridge)), Deno.errors.NotFound);
  }
});

Deno.test({
  name: "fabric dev refuses a folder for its secret that others may enter: one line, and 2",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using dev = await Dev.make();
    const folder = dev.secret("127.0.0.1:1").replace(/\/[^/]*$/, "");
    await Deno.mkdir(folder, { recursive: true });
    await Deno.chmod(folder, 0o755);
    const fabric = new Fabric(["dev", "--bridge", "127.0.0.1:0"], { env: dev.env });
    assertEquals((await fabric.ended).code, 2);
    const said = fabric.err.filter((line) => line.startsWith("fabric: "));
    assertEquals(said.length, 1, fabric.err.join("\n"));
    assertMatch(said[0]!, /may enter it; allow it to yourself alone: chmod 700 /);
  },
});
