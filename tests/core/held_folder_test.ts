/** A folder that a program of the same user moves. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { HeldFolder } from "../../src/core/held_folder.ts";

const ignore = Deno.build.os !== "linux";

/** A folder in a new one, both gone afterwards. */
async function inFolder(test: (held: HeldFolder, parent: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${parent}/own`);
    using held = new HeldFolder(`${parent}/own`);
    await test(held, parent);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test({
  name: "where() tells where a folder is that has been moved, also when something is in its place",
  ignore,
  fn: () =>
    inFolder(async (held, parent) => {
      assertEquals(held.where(), `${parent}/own`);
      await Deno.mkdir(`${parent}/deep`);
      for (const to of ["moved", "deep/moved", "moved (deleted)"]) {
        await Deno.rename(held.where()!, `${parent}/${to}`);
        assertEquals(held.where(), `${parent}/${to}`);
        await Deno.mkdir(`${parent}/own`, { recursive: true });
        assertEquals(held.where(), `${parent}/${to}`);
      }
      await Deno.remove(held.where()!);
      assertEquals(held.where(), undefined);
    }),
});

Deno.test({
  name: "remove() removes it where it is, and what has been put in its place, and nothing else",
  ignore,
  fn: () =>
    inFolder(async (held, parent) => {
      await Deno.writeTextFile(`${parent}/own/a`, "");
      await Deno.rename(`${parent}/own`, `${parent}/moved`);
      await Deno.mkdir(`${parent}/other`);
      await Deno.symlink(`${parent}/other`, `${parent}/own`);
      await held.remove();
      assertEquals(Array.from(Deno.readDirSync(parent), ({ name }) => name), ["other"]);
      await held.remove(); // removing it again is no error
    }),
});
