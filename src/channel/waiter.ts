/** Who waits for a channel, or for a new one, and is called when asking again is worth it. */
export interface Waiter {
  /** What the program does: so it can be told what a process waits for. */
  readonly kind: "recv" | "select" | "accept";
  wake(): void;
}
