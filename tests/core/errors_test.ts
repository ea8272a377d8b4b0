/** The errors that a program can distinguish. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import {
  atCaller,
  callSite,
  ChannelError,
  type ChannelErrorKind,
  errorAt,
} from "../../src/core/errors.ts";
import { SpawnError, type SpawnErrorReason } from "../../src/core/errors.ts";
import { makePid, randomId } from "../../src/core/pid.ts";

Deno.test("SpawnError holds its reason, message and cause", () => {
  const cause = new Error("why");
  const reasons: SpawnErrorReason[] = ["no-capacity", "unsatisfiable", "unregistered", "invalid"];
  for (const reason of reasons.concat("not-started", "lost")) {
    const error = new SpawnError(reason, "Cannot spawn work()", { cause });
    assert(error instanceof Error);
    assertEquals([error.name, error.reason, error.message], [
      "SpawnError",
      reason,
      "Cannot spawn work()",
    ]);
    assertEquals(error.cause, cause);
    assertEquals(String(error), "SpawnError: Cannot spawn work()");
  }
});

Deno.test("ChannelError holds its kind, remote, message and cause", () => {
  const remote = makePid(randomId(), "127.0.0.1", 4100);
  const kinds: ChannelErrorKind[] = ["closed", "exited", "lost"];
  for (const kind of kinds) {
    const error = new ChannelError(kind, remote, "it ended", { cause: kind });
    assert(error instanceof Error);
    assertEquals([error.name, error.kind, error.remote], ["ChannelError", kind, remote]);
    assertEquals([error.message, error.cause], ["it ended", kind]);
  }
});

/** The functions in a stack, from the innermost on, as long as they are of this file. */
function functionsOf({ stack }: Error): string[] {
  const frames = stack!.split("\n").filter((line) => line.startsWith("    at "));
  const own = frames.findIndex((line) => !line.includes("errors_test.ts"));
  return frames.slice(0, own === -1 ? undefined : own).map((line) => line.trim().split(" ")[1]!);
}

Deno.test("atCaller() leaves what an operation called, and itself, out of the stack", () => {
  function operation() {
    const inner = () => atCaller(new TypeError("it is wrong"), operation);
    return inner();
  }
  function program() {
    return operation();
  }
  const error = program();
  assertEquals(functionsOf(error)[0], "program");
  assertEquals(error.stack!.split("\n")[0], "TypeError: it is wrong");
});

Deno.test("errorAt() gives the error the stack of the earlier call", async () => {
  const remote = makePid(randomId(), "127.0.0.1", 4100);
  const cause = new Error("why");
  function operation() {
    const site = callSite(operation);
    return new Promise<never>((_, reject) => {
      setTimeout(() => reject(errorAt(site, new ChannelError("lost", remote, "gone", { cause }))));
    });
  }
  async function program() {
    await operation();
  }
  const error = await program().then(() => undefined, (error) => error);
  assert(error instanceof ChannelError && error instanceof Error);
  assertEquals(functionsOf(error)[0], "program");
  assertEquals(error.stack!.split("\n")[0], "ChannelError: gone");
  assertEquals(
    [error.name, error.message, error.kind, error.remote, error.cause],
    ["ChannelError", "gone", "lost", remote, cause],
  );
  assertEquals(Object.keys(error), Object.keys(new ChannelError("lost", remote, "gone")));
});
