/**
 * Ten workers, one after the other: each gets a job, and sends its result back over a channel.
 *
 *     deno task example workers
 */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";

interface Job {
  index: number;
  greeting: string;
}

async function worker(parent: Pid, job: Job) {
  console.log(job.greeting);
  await new Sender<number>(parent).send(job.index * 100);
}

await init({ functions: { worker } });

let total = 0;
for (let index = 0; index < 10; index++) {
  const pid = await spawn(worker, { index, greeting: `hello worker ${index}!` });
  await using receiver = new Receiver<number>(pid);
  total += await receiver.recv();
}
console.log(`total ${total}!`);
