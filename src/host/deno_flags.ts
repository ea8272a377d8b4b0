/** The flags of `deno run`, and which of them are not repeated when a program is started again. */

/** Flags whose value is a separate word. `--lock` may have one, and is handled separately. */
const VALUE_FLAGS = new Set([
  "-c",
  "--cert",
  "--conditions",
  "--config",
  "--ext",
  "--import-map",
  "--inspect-publish-uid",
  "-L",
  "--location",
  "--log-level",
  "--min-dep-age",
  "--minimum-dependency-age",
  "--node-modules-linker",
  "--preload",
  "--require",
  "--seed",
]);

/**
 * Flags for the first start only: watching restarts one process and not a program, a debugger has one port,
 * and a download or type check should not be repeated at each spawn.
 */
const ONCE_FLAGS = new Set([
  "--check",
  "--hmr",
  "--inspect",
  "--inspect-brk",
  "--inspect-publish-uid",
  "--inspect-wait",
  "--no-clear-screen",
  "--reload",
  "--watch",
  "--watch-exclude",
  "--watch-hmr",
]);

/** Short flags that take a value: the rest of the word, or the next one. */
const SHORT_VALUE_FLAGS = "cL";
/** The short form of `--reload`. */
const SHORT_RELOAD = "r";

/** What the words between `deno` and the script are. */
export interface DenoFlags {
  /** The words to start with again, the subcommand included. */
  readonly kept: string[];
  /** The words that are neither flags nor values of flags: the subcommand, if there is one. */
  readonly positional: readonly string[];
}

/** Separates flags, values and the subcommand, and drops flags for the first start only. */
export function readDenoFlags(words: readonly string[]): DenoFlags {
  const kept: string[] = [];
  const positional: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (!word.startsWith("-") || word === "-") {
      positional.push(word);
      kept.push(word);
      continue;
    }
    const flag = word.startsWith("--") ? readLong(word, words[index + 1]) : readShort(word);
    if (flag.word !== null) kept.push(flag.word);
    const value = words[index + 1];
    if (flag.takesNext && value !== undefined) {
      index++;
      if (flag.word !== null) kept.push(value);
    }
  }
  return { kept, positional };
}

interface Flag {
  /** The rest of the word; `null` if it is dropped. */
  readonly word: string | null;
  /** Whether the next word is this flag's value. */
  readonly takesNext: boolean;
}

function readLong(word: string, next: string | undefined): Flag {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const takesNext = equals < 0 &&
    (VALUE_FLAGS.has(name) || (name === "--lock" && next !== undefined && isLockFile(next)));
  return { word: ONCE_FLAGS.has(name) ? null : word, takesNext };
}

/** Deno takes any word after `--lock` as the file's name, but `--lock run` is not meant that way. */
function isLockFile(word: string): boolean {
  return !word.startsWith("-") && word !== "run";
}

/** Reads one word of short flags, which can be several: `-Ar`, `-qc=deno.json`. */
function readShort(word: string): Flag {
  let kept = "-";
  for (let index = 1; index < word.length; index++) {
    const letter = word.charAt(index);
    if (SHORT_VALUE_FLAGS.includes(letter)) {
      return { word: kept + word.slice(index), takesNext: index === word.length - 1 };
    }
    const hasValue = word.charAt(index + 1) === "=";
    if (letter !== SHORT_RELOAD) kept += hasValue ? word.slice(index) : letter;
    if (hasValue) break;
  }
  return { word: kept === "-" ? null : kept, takesNext: false };
}
