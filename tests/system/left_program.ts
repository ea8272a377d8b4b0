/** A program whose processes start others that leave them. */

/**
 * Starts processes in all the ways in which one can leave its parent, prints their ids, and ends as its argument
 * says.
 */
export const LEAVES = `
import { init, kill, Receiver, Sender, spawn, wait } from "deploy";

const [end] = Deno.args;

const quiet = { stdin: "null", stdout: "null", stderr: "null" };

async function leave() {
  const { spawn } = await import("node:child_process");
  const ids = [
    new Deno.Command("setsid", { args: ["sleep", "1000"], ...quiet }).spawn(),
    new Deno.Command("sleep", { args: ["1000"], detached: true, ...quiet }).spawn(),
    new Deno.Command("sleep", { args: ["1000"], detached: true, clearEnv: true, ...quiet }).spawn(),
    spawn("sleep", ["1000"], { detached: true, stdio: "ignore", env: {} }),
  ].map((child) => (child.unref(), child.pid));
  // A daemon: its parent has ended, so the system has adopted it.
  const daemon = new Deno.Command("sh", {
    args: ["-c", "setsid sh -c 'echo $$; exec sleep 1000' < /dev/null 2> /dev/null &"],
    stdout: "piped",
  }).spawn();
  const { value } = await daemon.stdout.getReader().read();
  ids.push(Number(new TextDecoder().decode(value)));
  await untilLeaders(ids);
  return ids;
}

/** Waits until each is the leader of a session. */
async function untilLeaders(ids) {
  const isLeader = (id) => Deno.readTextFileSync("/proc/" + id + "/stat").replace(/.*\\) /, "").split(" ")[3] === String(id);
  while (!ids.every(isLeader)) await new Promise((resolve) => setTimeout(resolve, 5));
}

const forever = () => new Promise((resolve) => setTimeout(resolve, 1e6));

async function work(parent) {
  const sender = new Sender(parent);
  await sender.send(await leave());
  await sender.close(); // a process that is killed delivers nothing
  if (end === "return") return;
  if (end === "exit") Deno.exit(3);
  if (end === "throw") throw new Error("it broke");
  if (end === "signal") Deno.kill(Deno.pid, "SIGKILL");
  await forever();
}

await init({ functions: { work } });
const other = await spawn(work);
console.log(JSON.stringify(await new Receiver(other).recv()));
if (end === "kill") await kill(other);
await wait(other);
await forever();
`;
