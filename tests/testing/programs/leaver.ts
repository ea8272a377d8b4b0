/**
 * Leaves behind what its argument says: a file, or a process with a session of its own that listens, and has
 * removed the mark by which its node would find it.
 */

import { init } from "deploy";

await init();

if (Deno.args.includes("process")) {
  const listen = `const { addr } = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log(addr.port); setInterval(() => {}, 1000);`;
  const unmark = "ulimit -S -w unlimited 2>/dev/null || ulimit -S -x unlimited";
  // With the run's own pipes as stdout or stderr, it would keep whoever reads those.
  const { stdout } = new Deno.Command("sh", {
    args: ["-c", `${unmark}; exec setsid --fork "$@"`, "sh", Deno.execPath(), "eval", listen],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // It has said its port: it listens.
  const { value } = await stdout.getReader().read();
  console.log(`port ${new TextDecoder().decode(value).trim()}`);
  Deno.exit();
}
if (Deno.args.includes("file")) await Deno.makeTempFile({ suffix: "-left" });
console.log("done");
