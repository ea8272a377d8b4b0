// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const MODULE = new URL("../../src/fabric/hidden_memory.ts", import.meta.url).href;

/** Prints what `PR_GET_DUMPABLE` says before and after, and whether what it starts can be looked into. */
const SCRIPT = `
const { hideMemory } = await import(${JSON.stringify(MODULE)});
const libc = Deno.dlopen("libc.so.6", { prctl: { parameters: ["i32"], result: "i32" } });
const before = libc.symbols.prctl(3);
const why = hideMemory();
const { stdout } = await new Deno.Command("sh", { args: ["-c", "head -c 1 /proc/self/environ | wc -c"] }).output();
console.log(JSON.stringify({ before, why, after: libc.symbols.prctl(3), child: new TextDecoder().decode(stdout).trim() }));
`;

Deno.test({
  name: "hideMemory() hides this process, and not what it starts",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", SCRIPT],
    }).output();
    const told = new TextDecoder().decode(stdout);
    assertEquals(told, '{"before":1,"after":0,"child":"1"}\n', new TextDecoder().decode(stderr));
  },
});
