/** The program that the page is tested with: what it prints and sends is known, and it runs until it is ended. */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";

async function worker(parent: Pid): Promise<void> {
  console.log("\x1b[31mred\x1b[0m <img src=x onerror=alert(1)> & \x1b]0;title\x07done");
  for await (const _ of new Receiver<number>(parent, "numbers"));
}

function failing(): never {
  Deno.exit(3);
}

await init({ functions: { worker, failing } });
for (const name of ["one", "two", "three"]) {
  const sender = new Sender<number>(await spawn(worker, undefined, { name }), "numbers");
  for (let number = 0; number < 7; number++) await sender.send(number);
}
await spawn(failing);
console.log("all have begun");
await new Promise(() => setInterval(() => {}, 60_000));
