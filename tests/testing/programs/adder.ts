/** A process for each argument sends it, as a number, to the first one, which prints the sum. */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";

async function add(parent: Pid, text: string) {
  console.error(`got ${text}`);
  await new Sender<number>(parent).send(Number(text));
}

await init({ functions: { add } });

let total = 0;
for (const text of Deno.args) {
  const pid = await spawn(add, text, { name: `add ${text}` });
  await using receiver = new Receiver<number>(pid);
  total += await receiver.recv();
}
console.log(`${Deno.env.get("TITLE") ?? "sum"} ${total}`);
const input = await new Response(Deno.stdin.readable).text();
if (input !== "") console.log(input);
if (total < 0) Deno.exit(3);
