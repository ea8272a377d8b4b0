/** `completions`: the command that every executable has. */

import { type Command, type Executable, SHELLS } from "./executable.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { wordArgument } from "./values.ts";
import { UsageError } from "../core/usage_error.ts";
import { listed } from "./near.ts";

export const COMPLETIONS: Command = {
  name: "completions",
  summary: "Print a completion script for a shell",
  usage: [{ form: SHELLS.join("|") }],
  operands: [
    { name: "bash", summary: "in ~/.bashrc:  source <(… completions bash)", completes: SHELLS },
    { name: "zsh", summary: "in ~/.zshrc, after compinit:  source <(… completions zsh)" },
    { name: "fish", summary: "in config.fish:  … completions fish | source" },
  ],
  options: {},
  examples: [],
  exitStatus: "0; 2 for a bad argument",
};

/** The script that the arguments ask for. @throws {UsageError} If they name no shell. */
export async function completionsFor(
  executable: Executable,
  { operands }: Scanned,
): Promise<string> {
  const [shell] = operands;
  if (shell === undefined) throw new UsageError(`the shell is missing; expected ${listed(SHELLS)}`);
  refuseMore(operands, 1, "one shell");
  const { completionScript } = await import("./completions.ts");
  return completionScript(executable, wordArgument(shell, "the shell", SHELLS));
}
