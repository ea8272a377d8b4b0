// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  add,
  addFlags,
  ALL_PERMISSIONS,
  flagsOf,
  limitedNames,
  meet,
  narrow,
  NO_PERMISSIONS,
  permissionsOf,
} from "../../src/core/permissions.ts";

const CWD = "/runs/1/work";

/** Flags that name all that is allowed. */
const exactly = (...flags: string[]) => addFlags(NO_PERMISSIONS, flags);

Deno.test("permissionsOf() allows everything where nothing is allowed by name", () => {
  const table: [string[], string[]][] = [
    [[], ["--allow-all"]],
    [["--deny-run", "--deny-net=1.2.3.4"], ["--allow-all", "--deny-net=1.2.3.4", "--deny-run"]],
    [["--allow-net=a.com", "--allow-net=b.com"], ["--allow-net=a.com,b.com"]],
    [["--allow-net=a.com", "--allow-net"], ["--allow-net"]],
    [["--allow-read", "--deny-read=/etc"], ["--allow-read", "--deny-read=/etc"]],
    [["--ignore-env=A"], ["--allow-all", "--ignore-env=A"]],
    [["--allow-read="], ["--allow-read"]],
  ];
  for (const [flags, expected] of table) assertEquals(flagsOf(permissionsOf(flags)), expected);
  assertEquals(flagsOf(NO_PERMISSIONS), []);
});

Deno.test("meet() gives what both sides allow, and nothing else", () => {
  const table: [cap: string[], wanted: string[], both: string[]][] = [
    // The cap as it is, where the program wants everything.
    [["--allow-net=10.0.0.0/8", "--allow-read"], ["--allow-all"], [
      "--allow-read",
      "--allow-net=10.0.0.0/8",
    ]],
    // Networks, addresses, ports.
    [["--allow-net=10.0.0.0/8"], ["--allow-net=10.1.2.3:80,11.1.2.3"], ["--allow-net=10.1.2.3:80"]],
    [["--allow-net=10.0.0.0/8"], ["--allow-net=10.1.0.0/16"], ["--allow-net=10.1.0.0/16"]],
    [["--allow-net=10.1.0.0/16"], ["--allow-net=10.0.0.0/8"], ["--allow-net=10.1.0.0/16"]],
    [["--allow-net=10.0.0.0/8:80"], ["--allow-net=10.1.2.3"], []],
    [["--allow-net=10.0.0.0/8:80"], ["--allow-net=10.1.2.3:80"], ["--allow-net=10.1.2.3:80"]],
    [["--allow-net=0.0.0.0/0"], ["--allow-net=1.2.3.4"], ["--allow-net=1.2.3.4"]],
    [["--allow-net=example.com"], ["--allow-net=EXAMPLE.com:443"], ["--allow-net=EXAMPLE.com:443"]],
    [["--allow-net=example.com:443"], ["--allow-net=example.com"], ["--allow-net=example.com:443"]],
    [["--allow-net=example.com"], ["--allow-net=www.example.com"], []],
    [["--allow-net=*.example.com"], ["--allow-net=www.example.com"], [
      "--allow-net=www.example.com",
    ]],
    [["--allow-net=*.example.com"], ["--allow-net=badexample.com"], []],
    [["--allow-net=[::1]"], ["--allow-net=[::1]:80,::1"], ["--allow-net=[::1]:80"]],
    [["--allow-net=unix:/a"], ["--allow-net=unix:/a,unix:/b"], ["--allow-net=unix:/a"]],
    // A name may be that of any address.
    [["--allow-net=127.0.0.1"], ["--allow-net=localhost"], []],
    // Paths, whole names of folders only.
    [["--allow-read=/data"], ["--allow-read=/data/x,/data2,/"], ["--allow-read=/data,/data/x"]],
    [["--allow-read=/data"], ["--allow-read=/data/../etc"], []],
    [["--allow-read=."], [`--allow-read=${CWD}/in,./out,..`], [
      `--allow-read=.,${CWD}/in,./out`,
    ]],
    [["--allow-write=/"], ["--allow-write=a"], ["--allow-write=a"]],
    // Names.
    [["--allow-env=AWS_*,HOME"], ["--allow-env=AWS_KEY,HOME,PATH"], ["--allow-env=HOME,AWS_KEY"]],
    [["--allow-run=git"], ["--allow-run=git,/usr/bin/git"], ["--allow-run=git"]],
    [["--allow-sys=hostname"], ["--allow-sys"], ["--allow-sys=hostname"]],
    // What one side denies is denied.
    [["--allow-net", "--deny-net=1.1.1.1"], ["--allow-net", "--deny-net=2.2.2.2"], [
      "--allow-net",
      "--deny-net=1.1.1.1,2.2.2.2",
    ]],
    [["--allow-read", "--deny-read"], ["--allow-read"], ["--allow-read", "--deny-read"]],
    [["--allow-net"], ["--allow-read"], []],
  ];
  for (const [cap, wanted, both] of table) {
    assertEquals(flagsOf(meet(exactly(...cap), exactly(...wanted), CWD)), both, `${cap} ${wanted}`);
  }
  const some = exactly("--allow-net=a.com", "--deny-read=/x");
  assertEquals(meet(ALL_PERMISSIONS, some, CWD), some);
  assertEquals(meet(some, NO_PERMISSIONS, CWD).net, NO_PERMISSIONS.net);
});

Deno.test("narrow() gives what is named, as far as the parent has it, and its denials", () => {
  const parent = exactly(
    ...["--allow-net=10.0.0.0/8", "--allow-read", "--deny-read=/etc", "--allow-env=A"],
  );
  const table: [wanted: string[], given: string[]][] = [
    [[], []],
    [["inherit-net"], ["--allow-net=10.0.0.0/8"]],
    [["inherit-run", "inherit-env"], ["--allow-env=A"]],
    [["allow-net=10.1.2.3:80"], ["--allow-net=10.1.2.3:80"]],
    [["allow-read"], ["--allow-read", "--deny-read=/etc"]],
    [["allow-read=/data"], ["--allow-read=/data", "--deny-read=/etc"]],
  ];
  for (const [wanted, given] of table) assertEquals(flagsOf(narrow(parent, wanted, CWD)), given);
});

Deno.test("narrow() refuses what the parent has not", () => {
  const parent = exactly("--allow-net=10.0.0.0/8", "--allow-read", "--deny-read=/etc");
  const table: [wanted: string, message: string][] = [
    ["allow-net", "net is true, and this process has only 10.0.0.0/8"],
    ["allow-net=10.1.2.3,e.com", 'net has "e.com", and this process has only 10.0.0.0/8'],
    ["allow-read=/etc/x", 'read has "/etc/x", and this process has all of it, but not /etc'],
    ["allow-run=git", 'run has "git", and this process has none of it'],
    ["allow-hrtime", '"allow-hrtime" is not a permission'],
    ["allow-read=/data,", '"allow-read=/data," is not a permission'],
    ["--allow-net", '"--allow-net" is not a permission'],
  ];
  for (const [wanted, message] of table) {
    const error = assertThrows(() => narrow(parent, [wanted], CWD), RangeError);
    assertEquals(error.message, message);
  }
});

Deno.test("add() adds to lists, and replaces what is denied as a whole", () => {
  const more = { net: ["h:0"], env: ["X"], read: ["/s"] };
  const table: [flags: string[], given: string[]][] = [
    [[], ["--allow-read=/s", "--allow-net=h:0", "--allow-env=X"]],
    [["--allow-net", "--allow-read=/a"], ["--allow-read=/a,/s", "--allow-net", "--allow-env=X"]],
    [["--allow-net", "--deny-net", "--allow-env", "--allow-read"], [
      "--allow-read",
      "--allow-net=h:0",
      "--allow-env",
    ]],
    [["--allow-net", "--deny-net=a", "--allow-env", "--ignore-env", "--allow-read"], [
      "--allow-read",
      "--allow-net",
      "--deny-net=a",
      "--allow-env=X",
    ]],
  ];
  for (const [flags, given] of table) assertEquals(flagsOf(add(exactly(...flags), more)), given);
});

Deno.test("limitedNames() tells what is not allowed as a whole", () => {
  assertEquals(limitedNames(ALL_PERMISSIONS), []);
  assertEquals(limitedNames(permissionsOf(["--deny-run", "--deny-net=a"])), ["net", "run"]);
});
