/** What is left of a program or a cluster after its end: nothing should be. */

import { markedProcesses, type OsProcess, signalProcess } from "./os_processes.ts";

/** How long a process may take to be gone after its run or its cluster has ended, in ms. */
const GONE_WITHIN_MS = 5_000;

/** How often that is looked at, in ms. */
const LOOK_EVERY_MS = 20;

/** Something was left of a program or a cluster after its end. The message lists it. */
export class LeftoverError extends Error {
  /** Always `LeftoverError`. */
  override readonly name = "LeftoverError";
  /** The OS processes that were left, as `<id> <command line>`. They have been killed. */
  readonly processes: readonly string[];
  /** The paths of files and folders that were left. They have been removed. */
  readonly files: readonly string[];

  /**
   * Lists what was left.
   *
   * @param what What ended: `the run of main.ts`.
   */
  constructor(
    what: string,
    left: { readonly processes: readonly string[]; readonly files: readonly string[] },
  ) {
    const lines = [
      ...left.processes.map((each) => `process ${each}`),
      ...left.files.map((path) => `file or folder ${path}`),
    ];
    super(`${what} left behind:\n  ${lines.join("\n  ")}`);
    this.processes = left.processes;
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
  for (const { id } of processes) signalProcess(id, "SIGKILL");
  const files = folders.flatMap((folder) =>
    [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
  );
  for (const folder of folders) await Deno.remove(folder, { recursive: true });
  if (processes.length === 0 && files.length === 0) return;
  throw new LeftoverError(what, {
    processes: processes.map(({ id, command }) => `${id} ${command}`),
    files,
  });
}

async function waitUntilGone(mark: string): Promise<OsProcess[]> {
  const endMs = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    const left = await markedProcesses(mark);
    if (left.length === 0 || performance.now() > endMs) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
