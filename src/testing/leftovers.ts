/** What is left of a program or a cluster after its end: nothing should be. */

import { listeningPorts } from "./listening_ports.ts";
import { markedProcesses, type OsProcess, signalProcess } from "./os_processes.ts";

/** How long a process may take to be gone after its run or its cluster has ended, in ms. */
const GONE_WITHIN_MS = 5_000;

/** How often that is looked at, in ms. */
const LOOK_EVERY_MS = 20;

/** So often it is looked at in any case, also where a busy machine lets some seconds pass between two looks. */
const LOOKS = GONE_WITHIN_MS / LOOK_EVERY_MS;

/** What was left: see the fields of {@linkcode LeftoverError}. */
export interface Leftovers {
  /** OS processes, as `<id> <command line>`. */
  readonly processes: readonly string[];
  /** The TCP addresses at which they listened. */
  readonly ports: readonly string[];
  /** The paths of files and folders. */
  readonly files: readonly string[];
}

/** Something was left of a program or a cluster after its end. The message lists it. */
export class LeftoverError extends Error {
  /** Always `LeftoverError`. */
  override readonly name = "LeftoverError";
  /** The OS processes that were left, as `<id> <command line>`. They have been killed. */
  readonly processes: readonly string[];
  /** The TCP addresses at which they listened, as `127.0.0.1:8000`. They are free again. */
  readonly ports: readonly string[];
  /** The paths of files and folders that were left. They have been removed. */
  readonly files: readonly string[];

  /**
   * Lists what was left.
   *
   * @param what What ended: `the run of main.ts`.
   */
  constructor(what: string, left: Leftovers) {
    const lines = [
      ...left.processes.map((each) => `process ${each}`),
      ...left.ports.map((address) => `listening port ${address}`),
      ...left.files.map((path) => `file or folder ${path}`),
    ];
    super(`${what} left behind:\n  ${lines.join("\n  ")}`);
    this.processes = left.processes;
    this.ports = left.ports;
    this.files = left.files;
  }
}

/**
 * Checks that nothing is left: no process with that mark, 5 s from now at the latest, and nothing in
 * those folders. What is left is killed, and the folders are removed in any case.
 *
 * @throws {LeftoverError} If something was left.
 */
export async function checkNothingLeft(
  what: string,
  mark: string,
  folders: readonly string[],
): Promise<void> {
  const processes = await waitUntilGone(mark);
  const ports = (await Promise.all(processes.map(({ id }) => listeningPorts(id)))).flat();
  for (const { id } of processes) signalProcess(id, "SIGKILL");
  const files = folders.flatMap((folder) =>
    [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
  );
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
  if (processes.length === 0 && files.length === 0) return;
  throw new LeftoverError(what, {
    processes: processes.map(({ id, command }) => `${id} ${command}`),
    // A process and its children may share a socket.
    ports: [...new Set(ports)],
    files,
  });
}

async function waitUntilGone(mark: string): Promise<OsProcess[]> {
  for (let looks = LOOKS;; looks--) {
    const left = await markedProcesses(mark);
    if (left.length === 0 || looks <= 0) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
