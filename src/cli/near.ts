/** Finds the known word nearest to a misspelt one. */

/**
 * The known word of which `word` is a misspelling or a prefix; `undefined` if there is none.
 *
 * A misspelling has one letter added, missing or different, or two transposed. A prefix has at
 * least two letters and must be unambiguous.
 */
export function nearWord(word: string, known: readonly string[]): string | undefined {
  const misspelt = known.find((name) => isNear(word, name));
  if (misspelt !== undefined || word.length < 2) return misspelt;
  const begun = known.filter((name) => name.startsWith(word));
  return begun.length === 1 ? begun[0] : undefined;
}

function isNear(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB || restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2));
}

/** `a, b or c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
