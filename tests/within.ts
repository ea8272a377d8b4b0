/** Waiting for what is promised within a time, on a machine that may be busy. */

/** How often it is looked at. */
const EVERY_MS = 20;

/**
 * Resolves when it holds. Throws if it never does when it is looked at as often as fits into that time, every 20 ms. So
 * what is counted is looks: a busy machine that lets everything wait for seconds takes none of them away.
 *
 * @param what What does not hold then, for the error.
 */
export async function within(
  limitMs: number,
  holds: () => boolean | Promise<boolean>,
  what: () => string,
): Promise<void> {
  for (let looks = Math.ceil(limitMs / EVERY_MS); !await holds(); looks--) {
    if (looks <= 0) throw new Error(`after ${limitMs} ms ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
