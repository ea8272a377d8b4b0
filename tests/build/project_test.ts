/** The root of what is mirrored. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { findProject, type Project, projectWith, relative } from "../../src/build/project.ts";

const CASES: [string, Parameters<typeof projectWith>, Project][] = [
  [
    "deployed from its root",
    ["/p", { program: "/p/src/main.ts", cwd: "/p", others: ["/p/data"] }],
    { root: "/p", cwd: "", program: "src/main.ts" },
  ],
  [
    "deployed from a folder in it",
    ["/p", { program: "/p/src/main.ts", cwd: "/p/src/tools", others: [] }],
    { root: "/p", cwd: "src/tools", program: "src/main.ts" },
  ],
  [
    "deployed from above",
    ["/home/p", { program: "/home/p/main.ts", cwd: "/home", others: [] }],
    { root: "/home", cwd: "", program: "p/main.ts" },
  ],
  [
    "deployed from beside it",
    ["/home/p", { program: "/home/p/main.ts", cwd: "/home/pq", others: [] }],
    { root: "/home", cwd: "pq", program: "p/main.ts" },
  ],
  [
    "with something from elsewhere",
    ["/home/p", { program: "/home/p/main.ts", cwd: "/home/p", others: ["/home/shared/words"] }],
    { root: "/home", cwd: "p", program: "p/main.ts" },
  ],
  [
    "with nothing in common but the root of the file system",
    ["/home/p", { program: "/home/p/main.ts", cwd: "/tmp", others: [] }],
    { root: "/", cwd: "tmp", program: "home/p/main.ts" },
  ],
  [
    "in the root of the file system",
    ["/", { program: "/main.ts", cwd: "/", others: [] }],
    { root: "/", cwd: "", program: "main.ts" },
  ],
];

for (const [what, [root, paths], project] of CASES) {
  Deno.test(`projectWith() contains a program ${what}`, () => {
    assertEquals(projectWith(root, paths), project);
  });
}

Deno.test("findProject() takes the nearest folder with a configuration, or else the working directory", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${folder}/app/src`, { recursive: true });
    const program = `${folder}/app/src/main.ts`;
    const found = (cwd: string) => findProject(program, cwd, []);
    assertEquals(found(`${folder}/app/src`), {
      root: `${folder}/app/src`,
      cwd: "",
      program: "main.ts",
    });
    for (const name of ["package.json", "deno.jsonc", "deno.json"]) {
      await Deno.writeTextFile(`${folder}/app/${name}`, "{}");
      const project = { root: `${folder}/app`, cwd: "src", program: "src/main.ts" };
      assertEquals(found(`${folder}/app/src`), project, name);
      await Deno.remove(`${folder}/app/${name}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("relative() leads from one folder to another", () => {
  const cases = [["", "a", "a"], ["a", "a", "."], ["a/b", "a", ".."], ["a/b", "c/d", "../../c/d"]];
  for (const [from, to, path] of cases) assertEquals(relative(from!, to!), path!);
});
