// What Deno does at the end of a program happens at the end of each process, and counts.
import { type Pid, spawn, spawnable, wait } from "deploy";

async function listens(): Promise<void> {
  const { default: process } = await import("node:process");
  globalThis.addEventListener("beforeunload", () => console.log("beforeunload"));
  globalThis.addEventListener("unload", () => console.log("unload"));
  process.on("exit", (code) => console.log("exit", code));
}
const listener = spawnable("ends/listener", async (_parent, code: number) => {
  await listens();
  Deno.exitCode = code;
});
const exiting = spawnable("ends/exiting", async (_parent, code: number) => {
  await listens();
  Deno.exit(code);
});
const throwing = spawnable("ends/throwing", () => {
  throw new RangeError("on purpose");
});
const rejecting = spawnable("ends/rejecting", () => {
  globalThis.addEventListener("x", () => void Promise.reject(new RangeError("in a listener")));
  globalThis.dispatchEvent(new Event("x"));
  return new Promise(() => {});
});
const signalled = spawnable("ends/signalled", () => Deno.kill(Deno.pid, "SIGKILL"));

export const prints: readonly string[] = [
  "exitCode { code: 3 }",
  "Deno.exit { code: 4 }",
  "throw { code: 1 }",
  "reject { code: 1 }",
  'signal { signal: "SIGKILL" }',
];

export default async function ends(): Promise<void> {
  const ending: Record<string, Pid> = {
    "exitCode": await spawn(listener, 3),
    "Deno.exit": await spawn(exiting, 4),
    "throw": await spawn(throwing),
    "reject": await spawn(rejecting),
    "signal": await spawn(signalled),
  };
  for (const [name, pid] of Object.entries(ending)) console.log(name, await wait(pid));
}
