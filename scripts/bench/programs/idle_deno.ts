/** A process that does nothing. It prints its OS process id. */

console.log(Deno.pid);
await Deno.stdin.read(new Uint8Array(1));
