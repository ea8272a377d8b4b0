/**
 * The table that an executable's arguments, help and completions are made from.
 *
 * What is not in the table cannot be given, and what is in it is in the help: the two cannot differ.
 */

/** What can stand at one place, for completions: a file, a folder, or one of these words. */
export type Completes = "file" | "folder" | readonly string[];

/** One option of a command. */
export interface Option {
  /** What it does, as a part of a line of help. */
  readonly summary: string;
  /** What its value is called; without it, the option takes no value. */
  readonly value?: string;
  /** Its one-letter form, without the dash. */
  readonly short?: string;
  /** What its value can be. Without it, nothing is completed. */
  readonly completes?: Completes;
}

/** Options by their long names, without the dashes. `--help` and `--version` belong to every command. */
export type Options = Readonly<Record<string, Option>>;

/** One argument that is no option. */
export interface Operand {
  /** As it stands in the usage: `<bridge>`. */
  readonly name: string;
  readonly summary: string;
  readonly completes?: Completes;
}

/** One command of an executable, or the executable itself. */
export interface Command {
  /** The word that names it; empty for what is meant where no command is named. */
  readonly name: string;
  /** What it does: one sentence, without its period. */
  readonly summary: string;
  /** Ways to write what follows the command's name, each maybe with what it means. */
  readonly usage: readonly { readonly form: string; readonly means?: string }[];
  readonly operands?: readonly Operand[];
  readonly options: Options;
  /** Whether arguments that are not its own may follow after `--`. */
  readonly passesArguments?: boolean;
  /** What else there is to know, in lines. */
  readonly notes?: readonly string[];
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** What its exit statuses mean, in one line. */
  readonly exitStatus: string;
}

/** An executable, or a script of the project. */
export interface Executable {
  /** What a user types to run it. */
  readonly name: string;
  readonly version: string;
  /** What is meant where no command is named. Its page is the executable's own. */
  readonly main: Command;
  readonly commands: readonly Command[];
}

/** The shells that there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell that there are completions for. */
export type Shell = typeof SHELLS[number];

/** `fabric dev`: what a user types for a command. */
export function commandLine(executable: Executable, command: Command): string {
  return `${executable.name} ${command.name}`.trimEnd();
}

/** The options of all commands: one name means the same number of arguments in each. */
export function allOptions({ main, commands }: Executable): Options {
  return Object.assign({}, ...commands.map(({ options }) => options), main.options);
}
