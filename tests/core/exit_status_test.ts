/** Exit statuses: as text, and as exit codes. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  exitCode,
  type ExitStatus,
  formatStatus,
  runExitCode,
  success,
} from "../../src/core/exit_status.ts";

Deno.test("success(), formatStatus() and exitCode() of every kind of status", () => {
  const table: [status: ExitStatus, succeeded: boolean, text: string, code: number][] = [
    [{ code: 0 }, true, "", 0],
    [{ code: 1 }, false, "1", 1],
    [{ code: 255 }, false, "255", 255],
    [{ signal: "SIGKILL" }, false, "SIGKILL", 137],
    [{ signal: "SIGTERM" }, false, "SIGTERM", 143],
    [{ signal: "SIGTRAP" }, false, "SIGTRAP", 133],
    [{ killed: "memory: 131 MiB used" }, false, "killed: memory: 131 MiB used", 137],
    [{ killed: "" }, false, "killed: ", 137],
    [{ lost: "no answer" }, false, "lost: no answer", 1],
  ];
  for (const [status, succeeded, text, code] of table) {
    const found = [success(status), formatStatus(status), exitCode(status)];
    assertEquals(found, [succeeded, text, code], JSON.stringify(status));
  }
});

Deno.test({
  name: "exitCode() of a signal is what the system gives for a process that it ended",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const ending: Deno.Signal[] = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT"];
    ending.push("SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE");
    ending.push("SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF");
    ending.push("SIGIO", "SIGPWR", "SIGSYS");
    await Promise.all(ending.map(async (signal) => {
      await using child = new Deno.Command("cat", { stdin: "piped", stdout: "null" }).spawn();
      child.kill(signal);
      const status = await child.status;
      await child.stdin.close();
      assertEquals([status.signal, status.code], [signal, exitCode({ signal })]);
    }));
  },
});

Deno.test("runExitCode() is the first process's own, then 101 for others that failed", () => {
  assertEquals(runExitCode({ code: 0 }, true), 0);
  assertEquals(runExitCode({ code: 0 }, false), 101);
  assertEquals(runExitCode({ code: 3 }, true), 3);
  assertEquals(runExitCode({ code: 3 }, false), 3);
  assertEquals(runExitCode({ signal: "SIGINT" }, false), 130);
  assertEquals(runExitCode({ killed: "memory" }, true), 137);
  assertEquals(runExitCode({ lost: "gone" }, false), 1);
});
