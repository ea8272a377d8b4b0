/** Modules of deployed programs have the same properties as here, and find the files next to them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project, runHere } from "./deploy_harness.ts";
import { LOADED_IMPORTS, LOADED_INCLUDES, LOADED_PROJECT } from "./loaded_modules_project.ts";
import { MODULES_PROJECT } from "./modules_project.ts";

Deno.test("the modules of a deployed program", async (t) => {
  await using cluster = await startCluster();

  await t.step("keep their places and names, and files that they name are shipped", async () => {
    await using project = await Project.make(MODULES_PROJECT);
    const { code, stdout, stderr } = await deploy([cluster.bridge, "src/main.ts"], {
      cwd: project.folder,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout.split("\n"), (await runHere(project.folder)).split("\n"));
    assertEquals(/warning/.exec(stderr), null, stderr);
  });

  await t.step("that it loads at run time are built, and found in their places", async () => {
    await using project = await Project.make(LOADED_PROJECT, {}, LOADED_IMPORTS);
    const { code, stdout, stderr } = await deploy(
      [...LOADED_INCLUDES, cluster.bridge, "src/main.ts"],
      { cwd: project.folder },
    );
    assertEquals(code, 0, stderr);
    assertEquals(stdout.split("\n"), (await runHere(project.folder)).split("\n"));
    assertStringIncludes(
      stderr,
      `computed/one.ts is loaded at run time and imports ${project.folder}/lib/greet.ts, as the program does`,
    );
  });

  await t.step(
    "that it loads at run time must be included if it computes their names",
    async () => {
      await using project = await Project.make({
        "main.ts": "\n\nconst name: string = Deno.args[0]!;\nawait import(name);\n",
      });
      const { code, stderr } = await deploy([cluster.bridge, "main.ts"], { cwd: project.folder });
      assertEquals(code, 1, stderr);
      assertStringIncludes(
        stderr,
        "main.ts:4: the module of this import() is only known at run time",
      );
      assertStringIncludes(stderr, "add --include");
    },
  );

  await t.step("cannot name a file outside of the project without including it", async () => {
    await using project = await Project.make({
      "program/deno.json": "{}",
      "program/main.ts": 'Deno.readTextFileSync(new URL("../data.txt", import.meta.url));',
      "data.txt": "data",
    });
    const options = { cwd: `${project.folder}/program` };
    const { stderr } = await deploy(["--dry-run", cluster.bridge, "main.ts"], options);
    assertStringIncludes(
      stderr,
      `warning: main.ts:1: ${project.folder}/data.txt is not shipped, since it is outside of the ` +
        `project ${project.folder}/program: add --include ${project.folder}/data.txt\n`,
    );
  });
});
