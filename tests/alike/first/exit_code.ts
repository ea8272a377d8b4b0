// A spawned process that fails, and that nobody waits for, fails the run.
import { spawn, spawnable } from "deploy";

const fails = spawnable("exit_code/fails", () => Deno.exit(3));

export default async function exitCode(): Promise<void> {
  await spawn(fails);
}
