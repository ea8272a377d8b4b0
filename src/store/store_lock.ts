/** The lock of a store: of all processes that share it, one at a time may change it. */

export class StoreLock {
  readonly #path: string;
  /** Resolves when the work before has ended. The system's lock is requested by one caller at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /** `path` is that of the lock file, which is made if it does not exist. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Runs `work` with the store locked. `work` should be short. Within this process, first come, first served. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#locked(work));
    this.#last = done.catch(() => {}); // the caller gets the error
    return done;
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    // Closing the file unlocks it, and so does the end of the process.
    using file = await Deno.open(this.#path, { create: true, write: true });
    await file.lock(true);
    return await work();
  }
}
