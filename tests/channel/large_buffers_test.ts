/** The cost of buffers for large values. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { allocate, giveSpare, takeSpare } from "../../src/channel/large_value.ts";
import { MiB } from "../../src/core/resources.ts";

Deno.test("allocate() gives zeroed buffers, and counts on memory that the process never takes", async () => {
  const module = new URL("../../src/channel/large_value.ts", import.meta.url).href;
  const program = `
    import { allocate } from ${JSON.stringify(module)};
    const before = Deno.memoryUsage().rss;
    for (let made = 0; made < 1_000; made++) {
      const bytes = allocate(${MiB});
      const some = [bytes[0], bytes[bytes.length / 2], bytes[bytes.length - 1]];
      if (some.some((byte) => byte !== 0)) throw new Error("not zeroed");
      bytes.fill(7);
    }
    const { rss, external } = Deno.memoryUsage();
    console.log(JSON.stringify({ grown: rss - before, external }));
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stderr: "inherit",
  }).output();
  const { grown, external } = JSON.parse(new TextDecoder().decode(stdout));
  assert(grown < 500 * MiB, `the process has grown by ${grown} bytes`);
  assert(Deno.build.os === "windows" || external > 1024 * MiB, `V8 counts ${external} bytes`);
});

Deno.test("takeSpare() gives a buffer that was given, if it is large enough", () => {
  const given = allocate(2 * MiB);
  giveSpare(given);
  assertEquals(takeSpare(2 * MiB + 1), undefined);
  assertEquals(takeSpare(MiB)?.buffer, given.buffer);
  assertEquals(takeSpare(MiB), undefined);
});
