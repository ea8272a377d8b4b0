// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { flagsOf, permissionsOf } from "../../src/core/permissions.ts";
import {
  limitersOf,
  limitsOf,
  permissionsOfProgram,
  spawnedPermissions,
  withPermissions,
} from "../../src/host/program_permissions.ts";
import type { Program } from "../../src/host/program.ts";

/** A program as `deno` was started with these words before it. */
function started(...flags: string[]): Program {
  return { command: "deno", args: [...flags, "main.ts"], flagsAt: flags.length, cwd: "/p" };
}

const EXECUTABLE: Program = { command: "/p/main", args: [], cwd: "/p" };

Deno.test("the permissions of a program are those of the flags it was started with", () => {
  const table: [flags: string[], permissions: string[] | undefined][] = [
    [["run"], []],
    [["run", "-A"], ["--allow-all"]],
    [["run", "-qA", "--deny-net"], ["--allow-all", "--deny-net"]],
    [["run", "-RW=/a,/b", "-N"], ["--allow-read", "--allow-write=/a,/b", "--allow-net"]],
    [["run", "-c", "deno.json", "-E=A"], ["--allow-env=A"]],
    [["run", "-cA.json", "-S"], ["--allow-sys"]],
    [["-I=a.com"], ["--allow-import=a.com"]],
    [["run", "-P"], undefined],
    [["run", "--permission-set=x"], undefined],
  ];
  for (const [flags, permissions] of table) {
    const found = permissionsOfProgram(started(...flags));
    assertEquals(found && flagsOf(found), permissions, flags.join(" "));
  }
  assertEquals(permissionsOfProgram(EXECUTABLE), undefined);
});

Deno.test("withPermissions() replaces the flags, and keeps the others", () => {
  const { args, flagsAt } = withPermissions(
    started("run", "-qA", "--unstable-lazy-dynamic-imports", "--config", "x.json"),
    permissionsOf(["--allow-read=/a"]),
    { net: ["unix:/s"], read: ["/s"] },
  );
  const flags = ["--allow-read=/a,/s", "--allow-net=unix:/s", "--no-prompt"];
  assertEquals(args, ["run", "-q", "--config", "x.json", ...flags, "main.ts"]);
  assertEquals(flagsAt, args.length - 1);
});

Deno.test("a bundle may import nothing else, unless that is allowed", () => {
  const bundle = { ...started("run", "-A"), isBundle: true };
  const flagsFor = (...flags: string[]) =>
    withPermissions(bundle, permissionsOf(flags), {}).args.filter((each) =>
      /-import\b|--no-[nr]/.test(each)
    );
  const nothing = ["--deny-import", "--no-remote", "--no-npm"];
  assertEquals(flagsFor("--allow-net"), nothing);
  assertEquals(flagsFor("--deny-import"), nothing);
  assertEquals(flagsFor("--deny-net"), nothing);
  assertEquals(flagsFor("--deny-net=a.com"), []);
  assertEquals(flagsFor("--allow-import=a.com"), ["--allow-import=a.com"]);
  assertEquals(flagsFor("--allow-net", "--deny-import=a.com"), nothing);
});

Deno.test("what is spawned may do what was asked for, and at most what its node allows", () => {
  const program = {
    ...started("run", "-A"),
    permissions: permissionsOf(["--allow-net=10.0.0.0/8"]),
  };
  const given = spawnedPermissions(program, undefined, ["allow-net=10.1.1.1"], "spawn f()");
  assertEquals(given, ["--allow-net=10.1.1.1"]);
  const flagsFor = (flags: string[] | undefined) => flagsOf(limitsOf(program, flags)!);
  assertEquals(flagsFor(given), given);
  assertEquals(flagsFor(["--allow-net=11.1.1.1", "--allow-read"]), []);
  assertEquals(flagsFor(undefined), ["--allow-net=10.0.0.0/8"]);
  assertEquals(limitsOf(started("run", "-A"), undefined), undefined);
});

Deno.test("what a process may not do, none that it spawns may", () => {
  const refused = (program: Program, own: string[] | undefined, wanted: string) => {
    const error = assertThrows(
      () => spawnedPermissions(program, own, [wanted], "spawn f()"),
      SpawnError,
    );
    assertEquals(error.reason, "invalid");
    return error.message;
  };
  assertEquals(
    refused(started("run", "-A"), ["--allow-net=a.com"], "allow-net=b.com"),
    'Cannot spawn f(): permissions.net has "b.com", and this process has only a.com',
  );
  assertStringIncludes(
    refused(EXECUTABLE, undefined, "allow-net"),
    "fixed when this program was compiled",
  );
  assertStringIncludes(
    refused(started("run", "-P"), undefined, "allow-net"),
    "a set of permissions (-P)",
  );
});

Deno.test("limitersOf() tells who limits what", () => {
  const capped: Program = { ...started("run"), capped: ["net"] };
  const limits = permissionsOf(["--deny-net", "--deny-run"]);
  const node = "10.0.0.1:9999";
  assertEquals(limitersOf(limits, { program: capped, node }, true), {
    net: "node 10.0.0.1:9999 limits it",
    run: "the spawn() that started this process limits it",
  });
  assertEquals(
    limitersOf(limits, { program: capped, node }, false)?.["run"],
    "the program was deployed without it",
  );
  assertEquals(limitersOf(undefined, { program: started("run"), node }, false), undefined);
});
