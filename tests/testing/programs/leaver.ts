/** Leaves behind what its argument says: a process with a session of its own that listens, or a file. */

import { init } from "deploy";

await init();

if (Deno.args.includes("process")) {
  const listen = `const { addr } = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    console.log(addr.port); setInterval(() => {}, 1000);`;
  // With the run's own pipes as stdout or stderr, it would keep whoever reads those.
  const { stdout } = new Deno.Command("setsid", {
    args: ["--fork", Deno.execPath(), "eval", listen],
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
