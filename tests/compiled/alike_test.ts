/**
 * The programs of tests/alike, in the ways that need a compiler; executables are compiled once.
 * tests/system/alike_test.ts has the others.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { makeProject } from "../alike/project.ts";
import { compiled, deployed, testWay } from "../alike/ways.ts";
import { startCluster } from "../fabric/cluster.ts";
import { compile } from "./compile.ts";

Deno.test("programs are alike in every way of running them", async (t) => {
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-alike-" }));
  try {
    await makeProject(folder);
    await using fabric = await compile("fabric.ts");
    const executable = `${folder}/main`;
    const flags = ["--quiet", "-A", "--no-lock", "--no-check", "--include", "programs"];
    const { success, stderr } = await new Deno.Command(deno, {
      args: ["compile", ...flags, "-o", executable, "main.ts"],
      cwd: folder,
      stdin: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await testWay(t, compiled(executable), folder);
    await using cluster = await startCluster({ compiled: fabric.path });
    await testWay(
      t,
      deployed("a bundle, compiled fabric", deno, cluster.bridge, { isCompiled: true }),
      folder,
    );
    await testWay(t, deployed("--release", deno, cluster.bridge, { release: executable }), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
