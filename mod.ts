/**
 * Distributed programs for Deno: processes, on one machine or on many, and channels between them.
 *
 * A program starts processes with {@linkcode spawn}. They share nothing; they talk over channels,
 * which are one-way, typed, ordered and reliable: one process creates a {@linkcode Sender} with the other
 * one's Pid, which creates a {@linkcode Receiver} with the first one's.
 *
 * The same file runs three ways, with the same output and the same meaning: `deno run -A main.ts` and
 * `deno compile -A main.ts && ./main` on this machine, `deploy main.ts` on a cluster.
 *
 * @example A whole program
 * ```ts ignore
 * import { type Pid, Receiver, Sender, init, spawn } from "deploy";
 *
 * interface Job {
 *   index: number;
 *   greeting: string;
 * }
 *
 * async function worker(parent: Pid, job: Job) {
 *   console.log(job.greeting);
 *   await new Sender<number>(parent).send(job.index * 100);
 * }
 *
 * await init({ functions: { worker } });
 *
 * let total = 0;
 * for (let index = 0; index < 10; index++) {
 *   const pid = await spawn(worker, { index, greeting: `hello worker ${index}!` });
 *   await using receiver = new Receiver<number>(pid);
 *   total += await receiver.recv();
 * }
 * console.log(`total ${total}!`);
 * ```
 *
 * @module
 */

// First, since it makes loading the others faster.
import "./src/process/preload.ts";

export { init, type InitOptions } from "./src/process/init.ts";
export { spawnable, type SpawnFunction } from "./src/process/registry.ts";
export { pid, resources } from "./src/process/current.ts";
export { spawn, type SpawnArguments, type SpawnOptions, trySpawn } from "./src/process/spawn.ts";
export {
  kill,
  type KillOptions,
  selectableWait,
  wait,
  type WaitOptions,
} from "./src/process/wait.ts";
export { isPid, type Pid, shortPid } from "./src/core/pid.ts";
export {
  DEFAULT_RESOURCES,
  GiB,
  KiB,
  MiB,
  parseMem,
  type Resources,
} from "./src/core/resources.ts";
export { type ExitStatus, success } from "./src/core/exit_status.ts";
export {
  ChannelError,
  type ChannelErrorKind,
  type ChannelErrorOptions,
  SpawnError,
  type SpawnErrorReason,
} from "./src/core/errors.ts";
export { Sender } from "./src/channel/sender.ts";
export { Receiver } from "./src/channel/receiver.ts";
export { Acceptor } from "./src/channel/acceptor.ts";
export { after, run, select, type Selected } from "./src/channel/select.ts";
export type { Selectable } from "./src/channel/select.ts";
