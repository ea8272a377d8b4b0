/** Starts a process that writes a lot to stdout, and copies that to its own. */

const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", `${import.meta.dirname}/write.ts`],
  stdin: "null",
  stdout: "piped",
}).spawn();
for await (const chunk of child.stdout) {
  for (let at = 0; at < chunk.length;) at += await Deno.stdout.write(chunk.subarray(at));
}
await child.status;
