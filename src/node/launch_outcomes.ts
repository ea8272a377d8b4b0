/** What became of the processes that a master wanted, for when it could not be told: the connection was lost. */

/** How many of the latest launches are remembered: more than there are in the time until a loss is noticed. */
const MAX_LAUNCHES = 10_000;

/** How many of the latest connections are remembered. */
const MAX_SESSIONS = 4;

/** The launches that a master asked for on one connection, by the numbers of their requests. */
export class LaunchOutcomes {
  readonly #outcomes = new Map<number, Promise<boolean>>();
  #latest = -1;

  /** A launch was asked for; `launching` resolves if the process was started, and rejects if it was not. */
  add(request: number, launching: Promise<unknown>): void {
    this.#latest = request;
    this.#outcomes.set(request, launching.then(() => true, () => false));
    if (this.#outcomes.size <= MAX_LAUNCHES) return;
    for (const oldest of this.#outcomes.keys()) return void this.#outcomes.delete(oldest);
  }

  /**
   * Whether the process of that request was started, once that is settled; `null` if it is no longer known. A request
   * that has not arrived has started nothing: they arrive in the order of their numbers.
   */
  async of(request: number): Promise<boolean | null> {
    if (request > this.#latest) return false;
    return await this.#outcomes.get(request) ?? null;
  }
}

/** The outcomes of the latest connections, by the ids that masters gave to these. */
export class SessionOutcomes {
  readonly #sessions = new Map<string, LaunchOutcomes>();

  /** A connection begins. */
  begin(session: string): LaunchOutcomes {
    const outcomes = new LaunchOutcomes();
    this.#sessions.set(session, outcomes);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    return outcomes;
  }

  /** As {@linkcode LaunchOutcomes.of}, for a launch on that connection. */
  async of(session: string, request: number): Promise<boolean | null> {
    return await this.#sessions.get(session)?.of(request) ?? null;
  }
}
