/** Keeps a process alive by a count of the user's pending operations. */

/** A resource that keeps the event loop alive while it is referenced. */
export interface Referable {
  ref(): void;
  unref(): void;
}

/**
 * Counts pending operations, and references `resource` while there are any.
 *
 * All I/O of the runtime is unreferenced, so that an open but idle channel does not keep a process
 * alive. A pending `recv`, `send`, `select`, `spawn` or `wait` must: Deno's `ref()` is a switch, not
 * a count, hence this count in front of it.
 */
export class Hold {
  readonly #resource: Referable;
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** `resource` has to be unreferenced, and belongs to the hold from now on. */
  constructor(resource: Referable) {
    this.#resource = resource;
  }

  /** How many operations are pending. */
  get count(): number {
    return this.#count;
  }

  /** An operation began to wait. */
  acquire(): void {
    if (this.#count++ === 0) this.#resource.ref();
  }

  /** An operation that waited has ended; once for each {@linkcode acquire}. */
  release(): void {
    if (--this.#count > 0) return;
    this.#resource.unref();
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Resolves as soon as nothing is pending. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }
}
