/** The limit of V8's heap. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import {
  heapBytesOf,
  isHeapFull,
  takesHeapLimit,
  withHeapLimit,
} from "../../src/host/heap_limit.ts";

const MIB = 1024 ** 2;

Deno.test("withHeapLimit() gives the runtime a heap that leaves room for the rest of the process", () => {
  const program = {
    command: "deno",
    args: ["run", "-A", "main.ts", "--max-heap-size"],
    flagsAt: 2,
    cwd: "/",
  };
  const table: [askedMiB: number, flags: string][] = [
    [0, "--max-old-space-size=26,--max-semi-space-size=4"],
    [100, "--max-old-space-size=61,--max-semi-space-size=4"],
    [256, "--max-old-space-size=188,--max-semi-space-size=16"],
    [1024, "--max-old-space-size=901"],
    [16384, "--max-old-space-size=15800"],
  ];
  for (const [asked, flags] of table) {
    assertEquals(withHeapLimit(program, asked * MIB), {
      ...program,
      args: ["run", "-A", `--v8-flags=${flags}`, "main.ts", "--max-heap-size"],
    });
  }
  for (let asked = 0; asked < 4_096; asked++) {
    const [less, more] = [asked * MIB, (asked + 1) * MIB].map(heapBytesOf) as [number, number];
    assert(less <= more + 32 * MIB && more <= Math.max(asked + 1, 64) * MIB - 36 * MIB, `${asked}`);
  }
});

Deno.test("withHeapLimit() adds to the flags of V8 that a program has, since deno takes them once", () => {
  const program = {
    command: "deno",
    args: ["run", "-A", "--v8-flags=--expose-gc", "main.ts", "--v8-flags=--x"],
    flagsAt: 3,
    cwd: "/",
  };
  const flags = "--v8-flags=--expose-gc,--max-old-space-size=61,--max-semi-space-size=4";
  assertEquals(withHeapLimit(program, 100 * MIB), {
    ...program,
    args: ["run", "-A", flags, "main.ts", "--v8-flags=--x"],
  });
});

Deno.test("withHeapLimit() leaves a program that chooses its heap, and an executable, as they are", () => {
  for (
    const program of [
      { command: "main", args: ["a"], cwd: "/" },
      ...["--max-old-space-size=1", "--max_heap_size=1", "--x,--max-semi-space-size=1"].map((
        flags,
      ) => ({
        command: "deno",
        args: [`--v8-flags=${flags}`, "main.ts"],
        flagsAt: 1,
        cwd: "/",
      })),
    ]
  ) {
    assert(!takesHeapLimit(program));
    assertEquals(withHeapLimit(program, 100 * MIB), program);
  }
});

Deno.test("isHeapFull() knows V8's message, at the start of a line", () => {
  const message = "Fatal JavaScript out of memory: Reached heap limit";
  assert(isHeapFull(`#\n# ${message}\n#\n==== C stack trace ====\n`));
  assert(!isHeapFull(`I say # ${message}\n`));
  assert(!isHeapFull("# Fatal error in , line 0\n"));
});
