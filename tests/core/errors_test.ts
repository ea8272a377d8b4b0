/** The errors that a program can tell apart. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ChannelError, type ChannelErrorKind } from "../../src/core/errors.ts";
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
