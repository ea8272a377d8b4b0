/**
 * The table from which an executable's arguments, help and completions are generated.
 *
 * Only options in the table are accepted, and all of them are in the help: the two cannot differ.
 */

/** The completions of one argument: files, folders, or these words. */
export type Completes = "file" | "folder" | readonly string[];

/** One option of a command. */
export interface Option {
  /** Its description in the help. */
  readonly summary: string;
  /** The name of its value; without one, the option takes no value. */
  readonly value?: string;
  /** Its short form, without the dash. */
  readonly short?: string;
  /** The completions of its value. */
  readonly completes?: Completes;
  /** Whether it may be given without its value, which can only follow an equals sign. @default false */
  readonly isOptional?: boolean;
  /** Whether the help describes it in the row of the option before it. @default false */
  readonly isBeside?: boolean;
  /** Whether it is one of `deno run`: the help names these together. @default false */
  readonly ofDeno?: boolean;
}

/** Options by long name, without the dashes. Every command also has `--help` and `--version`. */
export type Options = Readonly<Record<string, Option>>;

/** A positional argument. */
export interface Operand {
  /** Its form in the usage: `<bridge>`. */
  readonly name: string;
  readonly summary: string;
  readonly completes?: Completes;
}

/** One command of an executable, or the executable itself. */
export interface Command {
  /** Its name; empty for the main command. */
  readonly name: string;
  /** Its description: one sentence without a period. */
  readonly summary: string;
  /** The forms of its arguments, each with an optional description. */
  readonly usage: readonly { readonly form: string; readonly means?: string }[];
  readonly operands?: readonly Operand[];
  readonly options: Options;
  /** Whether arguments for a program may follow `--`. */
  readonly passesArguments?: boolean;
  /** Further notes, in lines. */
  readonly notes?: readonly string[];
  /** Example command lines. */
  readonly examples: readonly string[];
  /** The meaning of its exit statuses, in one line. */
  readonly exitStatus: string;
}

/** An executable, or a script of the project. */
export interface Executable {
  /** Its name on the command line. */
  readonly name: string;
  readonly version: string;
  /** The command that runs if no other is named. Its help page is the executable's. */
  readonly main: Command;
  readonly commands: readonly Command[];
}

/** The shells with completion scripts. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell with a completion script. */
export type Shell = typeof SHELLS[number];

/** A command with its executable, such as `fabric dev`. */
export function commandLine(executable: Executable, command: Command): string {
  return `${executable.name} ${command.name}`.trimEnd();
}

/** The options of all commands: a name takes the same number of values in each. */
export function allOptions({ main, commands }: Executable): Options {
  return Object.assign({}, ...commands.map(({ options }) => options), main.options);
}
