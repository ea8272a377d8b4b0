// kill() with what a process has spawned, and without.
import { kill, type Pid, Receiver, Sender, spawn, spawnable, wait } from "deploy";

const stays = () => new Promise((resolve) => setTimeout(resolve, 1e6));
const leaf = spawnable("killed/leaf", stays);
const middle = spawnable("killed/middle", async (parent: Pid) => {
  await new Sender<Pid>(parent).send(await spawn(leaf));
  await stays();
});

export const prints: readonly string[] = [
  '{ signal: "SIGKILL" } { signal: "SIGKILL" }',
  '{ signal: "SIGKILL" } { signal: "SIGTERM" }',
];

export default async function killed(): Promise<void> {
  for (const descendants of [true, false]) {
    const pid = await spawn(middle);
    const below = await new Receiver<Pid>(pid).recv();
    await kill(pid, { descendants });
    if (!descendants) await kill(below, { signal: "SIGTERM" });
    console.log(await wait(pid), await wait(below));
  }
}
