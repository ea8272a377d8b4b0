// What was sent before Deno.exit arrives, however slow its reader is.
import { type Pid, Receiver, Sender, spawn, spawnable, wait } from "deploy";

const sends = spawnable("delivered/sends", (parent: Pid) => {
  const sender = new Sender<Uint8Array>(parent);
  for (let index = 0; index < 9; index++) sender.send(new Uint8Array(300_000));
  Deno.exit(0);
});

export const prints: readonly string[] = ["9 true { code: 0 }"];

export default async function delivered(): Promise<void> {
  const pid = await spawn(sends);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const values = await Array.fromAsync(new Receiver<Uint8Array>(pid));
  console.log(values.length, values.every(({ length }) => length === 300_000), await wait(pid));
}
