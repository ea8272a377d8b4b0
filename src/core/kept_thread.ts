/**
 * Keeps a thread for calls that block, so that they work also where no other can be started.
 *
 * Files, names and cryptography are asked for in threads that the runtime starts when they are needed, and ends when they
 * have had nothing to do for 10 s. If it has none, and the system refuses one, since its user or control group has no
 * processes left, then the runtime ends the whole process. With one thread, what is asked for waits for that.
 */

/** How often the thread gets something to do. */
const INTERVAL_MS = 4_000;

/** Keeps one until it is disposed of. It keeps no process alive. */
export function keepThread(): Disposable {
  const use = () => void crypto.subtle.digest("SHA-256", new Uint8Array());
  use();
  const timer = setInterval(use, INTERVAL_MS);
  Deno.unrefTimer(timer);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
