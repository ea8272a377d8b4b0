/** Lets one process at a time, of all that share a store, change what is in it. */

/** Runs `work` while the lock file is locked. What it locks out is to be over soon. */
export async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  // Closing the file unlocks it, and so does the end of the process.
  using file = await Deno.open(path, { create: true, write: true });
  await file.lock(true);
  return await work();
}
