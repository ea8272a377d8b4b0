/** Ports on which nothing listens, for tests that need one before, or after, there is somebody to listen there. */

/** The system gives larger ones to those who ask for any, and tests give larger ones to processes. */
const [LOWEST, COUNT] = [10_000, 10_000];

/**
 * A free port of this machine's loopback. The system gives it to nobody who asks for any, be it to listen or to connect:
 * so no other test comes by it before it is used.
 */
export function freePort(): number {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
