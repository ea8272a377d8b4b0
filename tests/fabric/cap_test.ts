// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { flagsOf } from "../../src/core/permissions.ts";
import { UsageError } from "../../src/core/usage_error.ts";
import { capOf, problemOfFlags } from "../../src/fabric/cap.ts";

const DENO = { standalone: false, problemOf: problemOfFlags };
const COMPILED = { standalone: true, problemOf: () => Promise.reject(new Error("not asked")) };

async function refused(flags: string[], runtime: typeof DENO): Promise<string> {
  return (await assertRejects(() => capOf(flags, runtime), UsageError)).message;
}

Deno.test("without flags there is no cap", async () => {
  assertEquals(await capOf([], COMPILED), undefined);
});

Deno.test("Deno says which limits are invalid", async () => {
  const flags = ["--allow-net=10.0.0.0/8", "--allow-read", "--deny-read=/etc"];
  assertEquals(flagsOf((await capOf(flags, DENO))!), [
    "--allow-read",
    "--deny-read=/etc",
    "--allow-net=10.0.0.0/8",
  ]);
  const message = await refused(["--allow-net=10.0.0.0/99"], DENO);
  // To some versions of Deno, that is a comma in a name.
  assertEquals(
    await refused(["--deny-read=/a,,/b"], DENO),
    'invalid limits for programs: "--deny-read=/a,,/b" is not a permission',
  );
  assertEquals(/^invalid limits for programs: .*10\.0\.0\.0\/99/.test(message), true, message);
});

Deno.test("a fabric that is an executable limits whole permissions that the runtime does not need", async () => {
  assertEquals(flagsOf((await capOf(["--deny-run", "--deny-ffi"], COMPILED))!), [
    "--allow-all",
    "--deny-run",
    "--deny-ffi",
  ]);
  assertEquals(
    await refused(["--deny-net=10.0.0.0/8"], COMPILED),
    "--deny-net=10.0.0.0/8 cannot be a limit for programs here, since this fabric is an executable; " +
      "name run, ffi or sys without a list, or run fabric with deno",
  );
  assertStringIncludes(
    await refused(["--deny-import"], COMPILED),
    "--deny-import cannot be a limit",
  );
  assertEquals(
    await refused(["--allow-net", "--allow-read"], COMPILED),
    "the limits for programs leave out env, write, which every program needs here, since this fabric is an " +
      "executable; add --allow-env --allow-write, or run fabric with deno",
  );
});
