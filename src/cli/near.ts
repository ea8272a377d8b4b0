/** Finds the word that somebody may have meant. */

/**
 * The known word that `word` is a misspelling or the beginning of; `undefined` if there is none.
 *
 * A misspelling has one letter more, less, or other, or two that changed places. A beginning has at
 * least two letters, and is of one known word only.
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
