// A child that leads a session of its own ends with the process that started it, whose end it is not told of.
import { kill, type Pid, Receiver, Sender, spawn, spawnable, wait } from "deploy";

/** How often it is looked at, and how often at most: for 5 s, as in the README, and longer where the machine is busy. */
const [LOOK_MS, LOOKS] = [20, 250];

const leaves = spawnable("left/leaves", async (parent: Pid, stays: boolean) => {
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const children = [
    new Deno.Command("setsid", { args: ["sleep", "1000"], ...quiet }).spawn(),
    new Deno.Command("sleep", { args: ["1000"], detached: true, clearEnv: true, ...quiet }).spawn(),
  ];
  for (const child of children) child.unref();
  await new Sender<number[]>(parent).send(children.map(({ pid }) => pid));
  if (stays) await new Promise((resolve) => setTimeout(resolve, 1e6));
});

function isThere(id: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${id}/status`));
  } catch (error) {
    // It has ended, or does so while the file is read.
    if (error instanceof Deno.errors.NotFound) return false;
    if (/No such process/.test(String(error))) return false;
    throw error;
  }
}

export const prints: readonly string[] = [
  "{ code: 0 } 0 left",
  '{ signal: "SIGKILL" } 0 left',
];

export default async function left(): Promise<void> {
  for (const isKilled of [false, true]) {
    const pid = await spawn(leaves, isKilled);
    const ids = await new Receiver<number[]>(pid).recv();
    if (isKilled) await kill(pid);
    const status = await wait(pid);
    for (let looks = 0; ids.some(isThere) && looks < LOOKS; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    console.log(status, ids.filter(isThere).length, "left");
  }
}
