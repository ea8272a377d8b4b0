/** The programs in `programs/`, run by the deno that runs this. */

import { Commanded } from "./commanded.ts";

const FOLDER = `${import.meta.dirname}/programs`;
const PEERS = `${import.meta.dirname}/peers`;

/** The environment of a program without spares. */
export const NO_SPARES = { DEPLOY_SPARES: "0" };

/** The path of a program. */
export function programPath(name: string): string {
  return `${FOLDER}/${name}`;
}

/** The path of a file of the peers: the same programs on other systems. */
export function peerPath(name: string): string {
  return `${PEERS}/${name}`;
}

/** The arguments of deno that run a program: the same for ours and for a baseline. */
export function runArgs(name: string, ...args: string[]): string[] {
  return ["run", "-A", programPath(name), ...args];
}

/** Starts a program that answers questions. */
export function startProgram(
  name: string,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Commanded {
  const { args = [], env = {} } = options;
  return new Commanded(Deno.execPath(), {
    args: runArgs(name, ...args),
    env: { DEPLOY_FORMAT: "", DEPLOY_LOG: "", DEPLOY_SPARES: "", DEPLOY_RESOURCES: "", ...env },
  });
}

/** Runs an empty file; returns the time from its start to its end, in ms. */
export async function runEmpty(): Promise<number> {
  const start = performance.now();
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: runArgs("empty.ts"),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new Error("Cannot run an empty file");
  return performance.now() - start;
}

/** The time in ms, by a clock shared by all processes of this machine. */
export function clockMs(): number {
  return performance.timeOrigin + performance.now();
}
