/** Checks of the options that a program passes: an unknown option is an error. */

/**
 * Checks that `options` is an object, and has only the properties in `known`, if that is given.
 *
 * A misspelt option would otherwise be ignored without notice.
 *
 * @param action The operation that is refused, for the message: `spawn work()`.
 * @throws {TypeError} The message names the first unknown option, and the most similar known one.
 */
export function checkOptions(
  action: string,
  options: unknown,
  known?: readonly string[],
  name: string = "options",
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`Cannot ${action}: ${name} is ${String(options)}, not an object`);
  }
  for (const key of Object.keys(options)) {
    if (known === undefined || known.includes(key)) continue;
    throw new TypeError(
      `Cannot ${action}: ${name} has no ${JSON.stringify(key)}; ` +
        `did you mean ${JSON.stringify(nearest(key, known))}?`,
    );
  }
}

/**
 * Checks that `signal` is an `AbortSignal` or `undefined`.
 *
 * @param action As for {@linkcode checkOptions}.
 * @throws {TypeError} If it is something else.
 */
export function checkSignal(action: string, signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TypeError(`Cannot ${action}: signal is ${String(signal)}, not an AbortSignal`);
}

/** The word in `known` with the smallest edit distance to `word`; the first of several. */
export function nearest(word: string, known: readonly string[]): string {
  let best = "";
  let least = Infinity;
  for (const candidate of known) {
    const changes = changesBetween(word.toLowerCase(), candidate.toLowerCase());
    if (changes >= least) continue;
    best = candidate;
    least = changes;
  }
  return best;
}

/**
 * The edit distance of two words: a character that is missing, added or different counts 2,
 * but only 1 if it follows a word that is a prefix of the other, as in `memory` and `mem`.
 */
function changesBetween(from: string, to: string): number {
  if (from.startsWith(to) || to.startsWith(from)) return Math.abs(from.length - to.length);
  // A row for each prefix of `from` with the distances to each prefix of `to` (Wagner and Fischer).
  let row = Array.from({ length: to.length + 1 }, (_, index) => 2 * index);
  for (let i = 1; i <= from.length; i++) {
    const next = [2 * i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 2;
      next.push(Math.min(row[j]! + 2, next[j - 1]! + 2, row[j - 1]! + same));
    }
    row = next;
  }
  return row[to.length]!;
}
