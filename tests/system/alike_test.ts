/** The programs of tests/alike, in the ways that need no compiler. */

import { startCluster } from "../fabric/cluster.ts";
import { makeProject } from "../alike/project.ts";
import { denoRun, deployed, testWay } from "../alike/ways.ts";

Deno.test("programs are alike in every way of running them that needs no compiler", async (t) => {
  const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-alike-" }));
  try {
    await makeProject(folder);
    await testWay(t, denoRun(deno), folder);
    await using cluster = await startCluster();
    await testWay(t, deployed("a bundle, from source", deno, cluster.bridge), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
