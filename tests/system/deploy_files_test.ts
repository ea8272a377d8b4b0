/** Deployed programs find their project on a node as it is here. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";

/** Tells where it is in its project, and what it reads by relative paths. */
const TELLS = `
import { init, spawn, wait } from "deploy";
const place = () => {
  const root = import.meta.dirname!.replace(/\\/src$/, "");
  const { pathname } = new URL(import.meta.url);
  return {
    filename: import.meta.filename!.slice(root.length),
    url: decodeURIComponent(pathname).slice(root.length),
    cwd: Deno.cwd().slice(root.length),
    here: [...Deno.readDirSync(".")].map(({ name }) => name).sort(),
    words: Deno.readTextFileSync("../data/words.txt"),
    beside: Deno.readTextFileSync(new URL("./beside 1.txt", import.meta.url)),
  };
};
function child() {
  console.log(JSON.stringify(place()));
}
await init({ functions: { child } });
console.log(JSON.stringify(place()));
await wait(await spawn(child));
`;

Deno.test("a deployed program", async (t) => {
  await using cluster = await startCluster();
  await using project = await Project.make({
    "src/main.ts": TELLS,
    "src/beside 1.txt": "beside",
    "tools/note.txt": "",
    "data/words.txt": "words",
  });
  const root = project.folder;

  await t.step("has its place and its working directory in the project, as here", async () => {
    const include = ["../data", "../src/beside 1.txt"].flatMap((path) => ["--include", path]);
    const args = [...include, cluster.bridge, "../src/main.ts"];
    const { code, stdout, stderr } = await deploy(args, { cwd: `${root}/tools` });
    assertEquals(code, 0, stderr);
    const [first, child] = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(first, {
      filename: "/src/main.ts",
      url: "/src/main.ts",
      cwd: "/tools",
      here: [],
      words: "words",
      beside: "beside",
    });
    assertEquals(child, first);
  });
});
