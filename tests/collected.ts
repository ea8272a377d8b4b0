/** Waiting for memory that nobody holds any more. */

/**
 * Resolves when it holds, as it does once garbage has been collected, for which memory is used up until then. Throws
 * if it does not hold after a minute.
 */
export async function untilCollected(holds: () => boolean, what: string): Promise<void> {
  // Memory is collected when there is need for it.
  let need = new Uint8Array();
  const deadlineMs = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within a minute: ${what}`);
    // What a look finds is kept for a while, so there are few.
    for (let count = 0; count < 32; count++) {
      await new Promise((resolve) => setTimeout(resolve));
      need = new Uint8Array(8 * 1024 * 1024).fill(need.length & 1);
    }
  }
}
