/** A lock file: of all processes that share a store, one at a time may change it. */

/** Runs `work` with the lock file locked. `work` should be short. */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  // Closing the file unlocks it, and so does the end of the process.
  using file = await Deno.open(path, { create: true, write: true });
  await file.lock(true);
  return await work();
}
