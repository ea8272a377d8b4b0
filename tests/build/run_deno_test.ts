/** How deno is run for a build. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { BuildError } from "../../src/build/build_error.ts";
import type { Entry } from "../../src/build/entry.ts";
import { runDeno } from "../../src/build/run_deno.ts";

/** Runs a shell script in place of deno, in a folder of its own. */
async function runScript(script: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-deno-" });
  try {
    const deno = `${folder}/deno`;
    await Deno.writeTextFile(deno, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const entry = { folder, shown: "main.ts", rootUrl: `file://${folder}` } as Entry;
    const output = await runDeno({ deno, entry, args: ["bundle"], explain: () => undefined });
    return new TextDecoder().decode(output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What deno says if the executable is being run, or still being written. */
const BUSY = [
  "error: failed to copy esbuild binary from /a to /b\n\nCaused by:\n    Text file busy (os error 26)",
  "thread 'main' panicked:\ncalled `Result::unwrap()` on an `Err` value: Text file busy (os error 26)",
];

for (const said of BUSY) {
  Deno.test(`a deno whose bundler another one is just putting in place is run again: ${said.slice(0, 12)}`, async () => {
    const script = `[ -e once ] && { [ -e twice ] && { echo bundled; exit 0; }; >twice; }; >once
cat >&2 <<'END'
${said}
END
exit 1`;
    assertEquals(await runScript(script), "bundled\n");
  });
}

Deno.test("any other failure is one: its first error is the message", async () => {
  const script = `echo ran >>count; echo "error: Module not found." >&2; exit 1`;
  const error = await assertRejects(() => runScript(script), BuildError);
  assertEquals(error.message, "Cannot build main.ts: Module not found");
});
