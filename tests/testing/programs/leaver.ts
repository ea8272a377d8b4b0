/** Leaves behind what its argument says: a process that has left its session, or a file. */

import { init } from "deploy";

await init();

if (Deno.args.includes("process")) {
  // With a pipe of its own as stdout or stderr, it would keep whoever reads that.
  const silent = { stdin: "null", stdout: "null", stderr: "null" } as const;
  await new Deno.Command("setsid", { args: ["--fork", "sleep", "1000"], ...silent }).spawn().status;
}
if (Deno.args.includes("file")) await Deno.makeTempFile({ suffix: "-left" });
console.log("done");
