/**
 * Leaves what its argument names: a file, or a process that listens in a session of its own, and has
 * removed the mark by which its node would find it.
 */

import { init } from "deploy";

await init();

if (Deno.args.includes("process")) {
  const listen = `const { addr } = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log(addr.port); setInterval(() => {}, 1000);`;
  const unmark = "ulimit -S -w unlimited 2>/dev/null || ulimit -S -x unlimited";
  // With the run's pipes as stdout or stderr, it would keep their readers waiting.
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `${unmark}; exec setsid --fork "$@"`, "sh", Deno.execPath(), "eval", listen],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // It has printed its port, so it listens.
  const { value } = await stdout.getReader().read();
  console.log(`port ${new TextDecoder().decode(value).trim()}`);
  Deno.exit();
}
if (Deno.args.includes("file")) await Deno.makeTempFile({ suffix: "-left" });
console.log("done");
