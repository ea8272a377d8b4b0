/** Folders for one user alone. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { privateFolder, whyOpen } from "../../src/store/private_folder.ts";
import { StoreError } from "../../src/store/store_error.ts";

Deno.test("a folder is that of this user alone, or the line says why not and what to do", () => {
  for (const mode of [0o700, 0o40700, 0o500, 0o1700]) {
    assertEquals(whyOpen("/f", { uid: 7, mode }, 7), undefined);
  }
  for (const mode of [0o755, 0o710, 0o701, 0o40777, 0o720]) {
    assertStringIncludes(whyOpen("/f", { uid: 7, mode }, 7) ?? "", "chmod 700 /f");
  }
  assertStringIncludes(whyOpen("/f", { uid: 8, mode: 0o700 }, 7) ?? "", "another user (8, not 7)");
  assertStringIncludes(whyOpen("/f", { uid: 8, mode: 0o700 }, 0) ?? "", "another user (8, not 0)");
  // Windows tells neither.
  assertEquals(whyOpen("/f", { uid: null, mode: null }, null), undefined);
});

Deno.test({
  name: "privateFolder() makes what is missing for this user alone",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await privateFolder(`${folder}/a/b`);
      for (const path of ["a", "a/b"]) {
        assertEquals((await Deno.stat(`${folder}/${path}`)).mode! & 0o777, 0o700);
      }
      await privateFolder(`${folder}/a/b`);
      await Deno.chmod(`${folder}/a/b`, 0o755);
      await assertRejects(() => privateFolder(`${folder}/a/b`), StoreError, "chmod 700");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
