/** The system's information about a process. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { parseStat, readOsProcess } from "../../src/host/os_process.ts";

Deno.test("parseStat() finds the state and the CPU time, whatever the process is called", () => {
  const rest = "1 2 3 4 5 6 7 8 9 10 150 25 30 4 20 0 12";
  for (const name of ["deno", "a b) R 9", "("]) {
    assertEquals(parseStat(`42 (${name}) T ${rest}`), {
      ...{ state: "T", cpuMs: 1_750, childrenCpuMs: 340 },
    });
  }
  for (const text of ["", "42 (deno)", "42 (deno) S 1 2"]) assertEquals(parseStat(text), undefined);
});

Deno.test("readOsProcess() returns the state of a process as long as it exists", async () => {
  const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
  try {
    if (Deno.build.os === "linux") {
      assert(["R", "S", "D"].includes(readOsProcess(child.pid)!.state));
      const { cpuMs } = readOsProcess(Deno.pid)!;
      // On a busy machine it takes longer than a tick to get one.
      const until = Date.now() + 30_000;
      while (readOsProcess(Deno.pid)!.cpuMs <= cpuMs) assert(Date.now() < until);
    }
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
  assertEquals(readOsProcess(child.pid), undefined);
});
