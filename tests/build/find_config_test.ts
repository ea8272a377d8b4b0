/** Which configuration files are read, and which are not, since another user could have put them there. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { build } from "../../src/build/build.ts";
import { BuildError } from "../../src/build/build_error.ts";
import { readProgram } from "../../src/build/entry.ts";
import {
  configFiles,
  findProjectFile,
  keepFrom,
  nearestConfig,
  whyForeign,
} from "../../src/build/find_config.ts";

/** The user `nobody`, who owns nothing. */
const NOBODY = 65534;

const FILE = 0o100000;
const LINK = 0o120000;

Deno.test("a file of this user and of root is read, one of another user, or that anybody can change, is not", () => {
  const owners = new Set([7, 0]);
  const foreign = (uid: number, mode: number) => whyForeign("/deno.json", { uid, mode }, owners);
  for (const uid of [7, 0]) assertEquals(foreign(uid, FILE | 0o664), undefined);
  assertStringIncludes(foreign(8, FILE | 0o600) ?? "", "belongs to another user (8)");
  assertStringIncludes(foreign(7, FILE | 0o666) ?? "", "chmod o-w /deno.json");
  assertEquals(foreign(7, LINK | 0o777), undefined);
  assertStringIncludes(foreign(8, LINK | 0o777) ?? "", "belongs to another user (8)");
  // Windows tells no owners.
  assertEquals(whyForeign("/deno.json", { uid: null, mode: null }, undefined), undefined);
});

Deno.test("deno, which searches by itself, is kept from reading what is foreign, or the program is not built", () => {
  const own = (path: string) => ({ path });
  const other = (path: string) => ({ path, foreign: `${path} is not read` });
  assertEquals(keepFrom([]), { flags: [] });
  assertEquals(keepFrom([own("/a/deno.json"), own("/package.json")]), { flags: [] });
  assertEquals(keepFrom([other("/a/deno.json"), other("/package.json")]), {
    flags: ["--no-config"],
  });
  assertEquals(keepFrom([other("/a/package.json"), own("/deno.jsonc"), own("/package.json")]), {
    flags: ["--config", "/deno.jsonc"],
  });
  // It would take the upper one for that of a workspace.
  for (
    const files of [
      [own("/a/deno.json"), other("/deno.json")],
      [own("/a/package.json"), other("/deno.json")],
      [other("/a/deno.json"), own("/package.json")],
    ]
  ) {
    const keeping = keepFrom(files);
    assert("refused" in keeping);
    assertStringIncludes(keeping.refused, "deno.json is not read, but deno would read it");
    assertStringIncludes(keeping.refused, "--config FILE");
  }
});

Deno.test({
  name: "a deno.json that another user has put above a program chooses nothing in it",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    try {
      const [upper, project] = [`${folder}/deno.json`, `${folder}/project`];
      await Deno.mkdir(project);
      const imports = { "./project/real.ts": "./evil.ts" };
      await Deno.writeTextFile(upper, JSON.stringify({ imports }));
      await Deno.writeTextFile(`${folder}/evil.ts`, `export const which = "evil";`);
      await Deno.writeTextFile(`${project}/real.ts`, `export const which = "real";`);
      const program = `${project}/main.ts`;
      await Deno.writeTextFile(program, `import { which } from "./real.ts";\nconsole.log(which);`);
      await Deno.chown(upper, NOBODY, NOBODY);

      const found = configFiles(project);
      assertEquals(found.map(({ path }) => path).filter((path) => path.startsWith(folder)), [
        upper,
      ]);
      assertStringIncludes(found[0]!.foreign ?? "", `${upper} is not read`);
      assertEquals([nearestConfig(found), findProjectFile(project)], [undefined, undefined]);
      assertEquals(readProgram(program)?.root, project);
      const output = `${folder}/output`;
      await Deno.mkdir(output);
      const { path } = await build({ program, folder: output, place: "main.ts", release: false });
      const text = await Deno.readTextFile(path);
      assert(text.includes(`"real"`) && !text.includes(`"evil"`), text);

      // Neither where the program has a configuration of its own: deno would combine them.
      await Deno.writeTextFile(`${project}/deno.json`, "{}");
      assertThrows(() => readProgram(program), BuildError, `${upper} is not read`);
      const named = { config: `${project}/deno.json` };
      assertEquals(readProgram(program, named)?.config, named.config);

      // A program of that user comes with its own configuration.
      await Deno.remove(`${project}/deno.json`);
      await Deno.chown(project, NOBODY, NOBODY);
      assertEquals(readProgram(program)?.config, upper);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
