/** The ids of runs, for people: four syllables that can be said, such as `bafo-kine`. */

/** Letters that are heard and read apart. */
const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";

const SYLLABLES: readonly string[] = Array.from(
  CONSONANTS,
  (consonant) => Array.from(VOWELS, (vowel) => consonant + vowel),
).flat();

/** How many syllables an id has; there are 24 million ids. */
const LENGTH = 4;

const ID = new RegExp(`^(?:[${CONSONANTS}][${VOWELS}]){2}-(?:[${CONSONANTS}][${VOWELS}]){2}$`);

/**
 * Makes an id.
 *
 * @param random Returns a number from 0 below 1.
 * @param isTaken Whether there is a run with that id.
 */
export function newRunId(random: () => number, isTaken: (id: string) => boolean): string {
  for (;;) {
    const syllables = Array.from(
      { length: LENGTH },
      () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]!,
    );
    const id = `${syllables.slice(0, 2).join("")}-${syllables.slice(2).join("")}`;
    if (!isTaken(id)) return id;
  }
}

/** Whether a text has the form of an id. */
export function isRunId(text: string): boolean {
  return ID.test(text);
}
