/**
 * Keeps a member on each node except its own. Members count up to the program's argument, and go on until
 * there is a file of that name, if one is given. One that dies is spawned again. A node has room for one
 * member, or for the first process. Prints "ready" when all run.
 */

import { init, MiB, type Pid, Receiver, Sender, spawn, wait } from "deploy";

const [members = "2", steps = "20", file] = Deno.args;

async function count(parent: Pid) {
  await using sender = new Sender<string>(parent);
  await sender.send("here");
  for (let step = 0; step < Number(steps) || !isThere(file); step++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isThere(file: string | undefined): boolean {
  try {
    return file === undefined || Deno.statSync(file).isFile;
  } catch {
    return false; // not yet
  }
}

const all = { mem: 900 * MiB, cpu: 0 };

await init({ functions: { count }, resources: all });

let here = 0;
let lost = 0;
async function keep() {
  for (let isFirst = true;; isFirst = false) {
    const pid = await spawn(count, undefined, all);
    try {
      await using receiver = new Receiver<string>(pid);
      await receiver.recv();
      if (isFirst && ++here === Number(members)) console.log("ready");
    } catch {
      // wait() reports how it ended.
    }
    const status = await wait(pid);
    if ("code" in status) return;
    lost++;
    console.log(`ended ${JSON.stringify(status)}`);
  }
}
await Promise.all(Array.from({ length: Number(members) }, keep));
console.log(`all have counted, ${lost} were lost`);
