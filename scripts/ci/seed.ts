/** The seed of what CI draws at random. */

/** The hexadecimal digits of a seed, which has 32 bits. */
const DIGITS = 8;

/**
 * The seed of a commit: each commit draws something else, and one that is checked again draws the same.
 *
 * @param commit The commit's hash; `undefined` if there is none, as in an archive of the sources.
 * @param random From 0 to below 1, for the seed where there is no commit.
 */
export function seedOf(commit: string | undefined, random: number): number {
  if (commit !== undefined && /^[0-9a-f]{8}/.test(commit)) {
    return Number.parseInt(commit.slice(0, DIGITS), 16);
  }
  return Math.floor(random * 16 ** DIGITS);
}
