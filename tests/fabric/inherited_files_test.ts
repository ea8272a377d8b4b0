// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const MODULE = new URL("../../src/fabric/inherited_files.ts", import.meta.url).href;

/** Prints what a child reads from descriptor 7, before and after. */
const SCRIPT = `
const { keepFiles } = await import(${JSON.stringify(MODULE)});
async function read() {
  const args = ["-c", "head -c 6 /proc/self/fd/7 2>/dev/null || echo nothing"];
  const { stdout } = await new Deno.Command("sh", { args }).output();
  return new TextDecoder().decode(stdout).trim();
}
console.log(JSON.stringify([await read(), keepFiles() ?? "done", await read()]));
`;

Deno.test({
  name: "keepFiles() keeps what was left open in this process from what it starts",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, "secret");
      const { stdout, stderr } = await new Deno.Command("sh", {
        args: ["-c", `exec "$0" eval --no-config "$1" 7<"$2"`, Deno.execPath(), SCRIPT, file],
      }).output();
      const told = new TextDecoder().decode(stdout);
      assertEquals(told, '["secret","done","nothing"]\n', new TextDecoder().decode(stderr));
    } finally {
      await Deno.remove(file);
    }
  },
});
