/** A waiter for a channel, or for a new one, called when it should try again. */
export interface Waiter {
  /** The operation of the program, for reports of what a process waits for. */
  readonly kind: "recv" | "select" | "accept";
  wake(): void;
}
