// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { faultIn, faultOf } from "../../src/host/node_fault.ts";
import { listenWithin } from "../../src/net/transport.ts";

/** An error as Deno makes it. */
function systemError(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

Deno.test("faultOf() tells what a machine lacks from what a program does wrong", () => {
  const full = systemError("No space left on device (os error 28): writefile '/x'", "ENOSPC");
  const table: [unknown, string | undefined][] = [
    [full, "no space left"],
    [systemError("Too many open files (os error 24)", "EMFILE"), "too many open files: "],
    [systemError("Failed to spawn: Too many open files (os error 24)"), "too many open files: "],
    [systemError("Resource temporarily unavailable (os error 11)", "EAGAIN"), "too many processes"],
    [systemError("Cannot allocate memory (os error 12)", "ENOMEM"), "no memory left"],
    [new Error("Cannot make the project", { cause: full }), "no space left"],
    [systemError("No such file or directory (os error 2)", "ENOENT"), undefined],
    [systemError("File name too long (os error 36)", "ENAMETOOLONG"), undefined],
    [systemError("Exec format error (os error 8)"), undefined],
    [new Error("no space left"), undefined],
    ["ENOSPC", undefined],
  ];
  for (const [error, expected] of table) {
    const fault = faultOf(error);
    assertEquals(fault?.startsWith(expected ?? ""), expected === undefined ? undefined : true);
  }
});

Deno.test("faultOf() knows the errors that this system really gives", async () => {
  const missing = assertThrows(() => Deno.openSync("/no such file"));
  assertEquals(faultOf(missing), undefined);
  if (Deno.build.os !== "linux") return;
  // The copy of this runtime has opened all the files that it may.
  const script = `
    const { faultOf } = await import(${
    JSON.stringify(import.meta.resolve("../../src/host/node_fault.ts"))
  });
    const opened = [];
    const until = (act) => {
      try {
        for (let count = 0; count < 100; count++) opened.push(act());
      } catch (error) {
        return faultOf(error);
      }
    };
    const all = [
      until(() => Deno.openSync("/dev/null")),
      until(() => new Deno.Command("/bin/true", { stdout: "piped" }).spawn()),
    ];
    for (const file of opened) file.close();
    console.log(JSON.stringify(all));
  `;
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", `ulimit -n 64; exec "$0" eval "$1"`, Deno.execPath(), script],
  }).output();
  const faults: string[] = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(faults.length, 2);
  for (const fault of faults) assert(fault.startsWith("too many open files"), fault);
});

Deno.test("faultIn() knows what a runtime writes that cannot start a thread", () => {
  const table: [string, boolean][] = [
    ["\n=====\nDeno could not start: unable to create worker threads.\n\nThis usually", true],
    [
      "thread 'main' (21578) panicked at cli/main.rs:560:5:\nFatal error: Check failed: Start().",
      true,
    ],
    ["thread 'main' panicked: failed to spawn thread: Os { code: 11, kind: WouldBlock }", true],
    ["/bin/sh: 1: Cannot fork", true],
    ["error: Uncaught Error: boom", false],
    ["Cannot listen on 10.0.0.2: all ports from 7000 to 7001 are taken, and", false],
    ["", false],
  ];
  for (const [stderr, expected] of table) {
    assertEquals(faultIn(stderr)?.startsWith("too many processes") ?? false, expected, stderr);
  }
});

Deno.test("faultIn() knows what a process writes that finds no port to listen on", () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const error = assertThrows(() =>
    listenWithin({ hostname: "127.0.0.1", ports: [port, port] }, (at) => Deno.listen(at))
  );
  listener.close();
  assertEquals(
    faultIn(`error: Uncaught ${error}\n    at joinRun`),
    `all ports from ${port} to ${port} are taken: let its processes use more of them (fabric --ports)`,
  );
});
