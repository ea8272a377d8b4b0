/** What processes use, as Linux tells it. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import {
  canReadUsage,
  descendantsOf,
  parseMemory,
  readTreeUsage,
  readUsage,
} from "../../src/host/proc_usage.ts";

const MIB = 1024 * 1024;

Deno.test("parseMemory() counts what is a process's own, without the pages of files", () => {
  const status = (anon: number, file: number, highest: number) =>
    `Name:\tVmHWM: 1 kB\nVmHWM:\t  ${highest} kB\nVmRSS:\t 7 kB\n` +
    `RssAnon:\t ${anon} kB\nRssFile:\t  ${file} kB\nRssShmem:\t 4 kB\nThreads:\t8\n`;
  assertEquals(parseMemory(status(10, 20, 64)), { memBytes: 14 * 1024, peakBytes: 44 * 1024 });
  // It had fewer pages of files at its peak.
  assertEquals(parseMemory(status(10, 20, 30)), { memBytes: 14 * 1024, peakBytes: 14 * 1024 });
  for (const text of ["", "State:\tZ (zombie)\n"]) assertEquals(parseMemory(text), undefined);
});

Deno.test({
  name: "readTreeUsage() counts a process with all that descends from it, and its past peak",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // A grandchild takes 50 MiB, gives them back, and says so.
    const grandchild = `let bytes = new Uint8Array(50 * ${MIB}).fill(1);
      const until = process.cpuUsage().user + 60_000;
      while (process.cpuUsage().user < until);
      bytes = undefined;
      console.log("done");
      await new Promise((resolve) => setTimeout(resolve, 1e6));`;
    const child = new Deno.Command("sh", {
      args: ["-c", `"$0" eval "$1"; :`, Deno.execPath(), grandchild],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    try {
      await reader.read();
      assert(canReadUsage());
      const descendants = descendantsOf(child.pid);
      assertEquals(descendants.length, 1);
      const [own, all] = [readUsage(child.pid)!, readTreeUsage(child.pid)!];
      assert(own.peakBytes < 50 * MIB, `${own.peakBytes}`);
      assert(all.peakBytes >= 50 * MIB, `${all.peakBytes}`);
      assert(all.cpuMs >= 50, `${all.cpuMs}`);
      assert(all.memBytes > own.memBytes && all.memBytes <= all.peakBytes);
    } finally {
      for (const id of descendantsOf(child.pid)) Deno.kill(id, "SIGKILL");
      await child.status;
      await reader.cancel();
    }
    assertEquals(readTreeUsage(child.pid), undefined);
  },
});
