// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const MODULE = new URL("../../src/fabric/own_keyring.ts", import.meta.url).href;

/** Adds a key to its session, and prints how many of that name another user sees that it starts, before and after. */
const SCRIPT = `
const { leaveKeyring } = await import(${JSON.stringify(MODULE)});
const [keyctl, addKey] = Deno.build.arch === "x86_64" ? [250n, 248n] : [219n, 217n];
const { symbols: { syscall } } = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["isize", "buffer", "buffer", "buffer", "usize", "isize"], result: "isize" },
});
const bytes = (text) => new TextEncoder().encode(text);
// The keyring of whoever runs this test is left alone.
const { symbols: { syscall: join } } = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["isize", "isize", "isize"], result: "isize" },
});
join(keyctl, 1n, 0n);
if (syscall(addKey, bytes("user\\0"), bytes("of-the-session\\0"), bytes("secret"), 6n, -3n) < 0n) throw new Error("no key");
async function seen() {
  const args = ["--reuid=65534", "--clear-groups", "grep", "-c", "of-the-session", "/proc/keys"];
  const { stdout } = await new Deno.Command("setpriv", { args }).output();
  return new TextDecoder().decode(stdout).trim();
}
console.log(JSON.stringify([await seen(), leaveKeyring() ?? "done", await seen()]));
`;

Deno.test({
  name: "leaveKeyring() keeps the keys of this session from what is started as another user",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 || !hasKeys(),
  fn: async () => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", SCRIPT],
    }).output();
    const told = new TextDecoder().decode(stdout);
    assertEquals(told, '["1","done","0"]\n', new TextDecoder().decode(stderr));
  },
});

/** Whether this system has keyrings. */
function hasKeys(): boolean {
  try {
    return Deno.statSync("/proc/keys").isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
