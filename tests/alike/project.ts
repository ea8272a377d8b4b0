/** The project of all programs, as a user would have it, in a folder of its own. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { relative } from "node:path/posix";
import config from "../../deno.json" with { type: "json" };

const HERE = import.meta.dirname!;

/** What `deploy` is told to ship: it finds the other files by itself. */
export const SHIPPED: readonly string[] = ["made", "programs/computed"];

/** The names of the programs in a folder: of its modules. */
export function programsIn(folder: "programs" | "first"): string[] {
  return Array.from(Deno.readDirSync(`${HERE}/${folder}`), ({ name }) => name)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => name.slice(0, -".ts".length))
    .sort();
}

/** Makes the project in an empty folder. `main.ts` runs all of `programs/`, or the one of `first/` that is named. */
export async function makeProject(folder: string): Promise<void> {
  // Relative: an executable looks for modules that a configuration names by absolute URLs on the disk. And no
  // further up than needed: it holds nothing above the folder that its modules have in common.
  const runtime = relative(folder, new URL("../../mod.ts", import.meta.url).pathname);
  const imports = { ...config.imports, deploy: runtime };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
  for (const each of ["programs", "first"]) {
    await copyFolder(`${HERE}/${each}`, `${folder}/${each}`);
  }
  await Deno.writeTextFile(`${folder}/main.ts`, mainModule());
  await makeOddEntries(`${folder}/made`);
}

function mainModule(): string {
  const lines = ["programs", "first"].map((folder) => {
    const names = programsIn(folder as "programs" | "first");
    const imports = names.map((name) =>
      `import { default as ${folder}_${name} } from "./${folder}/${name}.ts";\n`
    );
    const entries = names.map((name) => `${name}: ${folder}_${name}`);
    return `${imports.join("")}const ${folder} = { ${entries.join(", ")} };\n`;
  });
  return `import { init, spawn, wait } from "deploy";
${lines.join("")}
await init({ functions: programs });
const [name] = Deno.args;
if (name !== undefined) {
  await (first as Record<string, () => unknown>)[name]!();
} else {
  const waiting = Object.entries(programs);
  const runSome = async () => {
    for (let next; (next = waiting.shift()) !== undefined;) await wait(await spawn(next[1]));
  };
  await Promise.all([runSome(), runSome(), runSome()]);
}
`;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** What cannot be committed, or would be tedious to: see programs/files.ts. */
async function makeOddEntries(folder: string): Promise<void> {
  for (const name of ["empty", "long", "case", "many"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${folder}/script`, "#!/bin/sh\necho script ran\n", { mode: 0o700 });
  await Deno.symlink("script", `${folder}/link`);
  await Deno.symlink("/nowhere", `${folder}/dangling`);
  assert((await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output()).success);
  await Deno.writeTextFile(`${folder}/long/${"x".repeat(255)}`, "");
  for (const name of ["A", "a"]) await Deno.writeTextFile(`${folder}/case/${name}`, name);
  for (let index = 0; index < 300; index++) {
    await Deno.writeTextFile(`${folder}/many/${index}`, String(index));
  }
}
