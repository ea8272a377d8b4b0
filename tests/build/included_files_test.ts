/** The files that `--include` ships, and their places. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import { includedFiles } from "../../src/build/included_files.ts";

/** Makes files in a new folder, and gives that. */
async function withFiles(
  paths: readonly string[],
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const path of paths) {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      if (!path.endsWith("/")) await Deno.writeTextFile(`${folder}/${path}`, path);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function places(folder: string, paths: string[], program: string): Promise<string[]> {
  const files = await includedFiles(
    paths.map((path) => `${folder}/${path}`),
    `${folder}/${program}`,
  );
  return files.map(({ path }) => path);
}

Deno.test("a path below the root keeps its place; any other is placed by its name", async () => {
  await withFiles(["p/data/a.txt", "p/data/deep/b.txt", "p/c.txt", "q/d/e.txt"], async (folder) => {
    assertEquals(await places(folder, ["p/data/a.txt"], "p"), ["data/a.txt"]);
    assertEquals(await places(folder, ["p/data/"], "p"), ["data/a.txt", "data/deep/b.txt"]);
    assertEquals(await places(folder, ["p/c.txt", "q"], "p"), ["c.txt", "q/d/e.txt"]);
    assertEquals(await places(folder, ["q/d/e.txt"], "p"), ["e.txt"]);
    assertEquals(await places(folder, ["p/../p/./c.txt"], "p"), ["c.txt"]);
    // All of the program's own folder.
    assertEquals(await places(folder, ["p"], "p"), ["c.txt", "data/a.txt", "data/deep/b.txt"]);
  });
});

Deno.test("a file that is named twice is shipped once, and executables stay executable", async () => {
  await withFiles(["p/a", "p/b"], async (folder) => {
    await Deno.chmod(`${folder}/p/b`, 0o755);
    const files = await includedFiles([`${folder}/p`, `${folder}/p/a`], `${folder}/p`);
    assertEquals(files, [
      { source: `${folder}/p/a`, path: "a", executable: false },
      { source: `${folder}/p/b`, path: "b", executable: true },
    ]);
  });
});

Deno.test("links are followed, and cycles are refused", async () => {
  await withFiles(["p/main.ts", "q/a.txt"], async (folder) => {
    await Deno.symlink("../q", `${folder}/p/link`);
    assertEquals(await places(folder, ["p/link"], "p"), ["q/a.txt"]);
    assertEquals(await places(folder, ["p"], "p"), ["link/a.txt", "main.ts"]);
    await Deno.symlink("../q", `${folder}/q/round`);
    await assertRejects(() => places(folder, ["q"], "p"), UsageError, "links back to");
  });
});

Deno.test("errors name what cannot be shipped", async () => {
  await withFiles(["p/main.ts", "a/x", "b/x"], async (folder) => {
    await assertRejects(
      () => places(folder, ["a/none"], "p"),
      UsageError,
      `--include ${folder}/a/none: there is no such file or folder`,
    );
    await assertRejects(
      () => places(folder, ["a/x", "b/x"], "p"),
      UsageError,
      `--include ${folder}/b/x and ${folder}/a/x would both be x; rename one`,
    );
    await assertRejects(
      () => includedFiles(["/dev/null"], folder),
      UsageError,
      "--include /dev/null is neither a file nor a folder",
    );
  });
});
