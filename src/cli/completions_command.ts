/** `completions`: the command that every executable has. */

import { type Command, type Executable, SHELLS } from "./executable.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { wordArgument } from "./values.ts";
import { UsageError } from "../core/usage_error.ts";
import { listed } from "./near.ts";

/** The name of the command. */
export const COMPLETIONS = "completions";

/** The command for the executable of that name. */
export function completionsCommand(executable: string): Command {
  const line = `${executable} ${COMPLETIONS}`;
  return {
    name: COMPLETIONS,
    summary: "Print a completion script for a shell",
    usage: [{ form: SHELLS.join("|") }],
    operands: [
      { name: "bash", summary: `.bashrc: source <(${line} bash)`, completes: SHELLS },
      { name: "zsh", summary: `.zshrc, after compinit: source <(${line} zsh)` },
      { name: "fish", summary: `config.fish: ${line} fish | source` },
    ],
    options: {},
    examples: [],
    exitStatus: "0; 2 for a bad argument",
  };
}

/** The script that the arguments request. @throws {UsageError} If they name no known shell. */
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
