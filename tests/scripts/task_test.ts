/** Tasks with options say what these are, and take no others. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";

async function runTask(name: string, ...args: string[]) {
  const script = new URL(`../../scripts/${name}.ts`, import.meta.url).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

for (
  const [name, option, wrong] of [
    ["chaos", "--kinds", "--kinds=none"],
    ["fuzz", "--inputs", "--inputs=-1"],
    ["load", "--scale", "--scale=0"],
    ["soak", "--processes", "--programs=3"],
  ] as const
) {
  Deno.test(`deno task ${name} --help tells its options, and a wrong one runs nothing`, async () => {
    const help = await runTask(name, "--help");
    assertEquals([help.code, help.error], [0, ""]);
    assertStringIncludes(help.out, `Usage: deno task ${name} [options]`);
    assertStringIncludes(help.out, option);
    const refused = await runTask(name, wrong);
    assertEquals([refused.code, refused.out], [2, ""]);
    assertStringIncludes(refused.error, `deno task ${name}: `);
  });
}
