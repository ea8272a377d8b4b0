/** How a process becomes another user, before it is told anything that its program may choose. */

import { ProgramError } from "./program.ts";
import { becoming, markGroups, type ProgramUser } from "./program_user.ts";

/** What the shell that is another user carries out; see {@linkcode asUser}. */
const SHELL = "/bin/sh";

/** Names that a shell can set to anything and export: `UID` and its kin are fixed in bash, `OPTIND` is a number. */
const EXPORTED =
  /^(?!(?:UID|EUID|PPID|OPTIND|SHELLOPTS|BASHOPTS|BASH_VERSINFO|DEPLOY_VARIABLE_\d+)$)[A-Za-z_][A-Za-z0-9_]*$/;

/** Where a process is until it is that user. */
export const OWN_CWD = "/";

/** What a shell finds commands by that is still the user of the node. */
const OWN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Enters the folder `$0`. */
const ENTER = `cd "$0" || exit 126; `;

/** A command, and its whole environment. It is to be started in a folder that only root can change: {@linkcode OWN_CWD}. */
export interface UserCommand {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The command that executes `words` as that user in the folder `cwd`, with the environment `env`.
 *
 * That user enters the folder, and not the user of the node: a program may have put a link into its place, to one that
 * is in a folder that only the latter may enter.
 *
 * Variables of a program may have a shell or the loader execute what the program likes: `LD_PRELOAD`. Until the user is
 * another one, they have other names; a second shell, which is that user already, gives them back theirs. So they are
 * never among the words either, which every user can see.
 *
 * @throws {ProgramError} If a shell cannot export a variable of that name.
 */
export function asUser(
  user: ProgramUser,
  words: readonly string[],
  { cwd, env, mark }: {
    cwd: string;
    env: Readonly<Record<string, string>>;
    /** For the processes that it starts; see {@linkcode markGroups}. */
    mark: string;
  },
): UserCommand {
  const bad = Object.keys(env).find((name) => !EXPORTED.test(name));
  if (bad !== undefined) {
    throw new ProgramError(
      `Cannot set the variable ${bad} of a program that runs as ${user.name}: its name must consist of letters, ` +
        "digits and _, and not be one that shells reserve",
    );
  }
  const carried = Object.entries(env).map(([name, value], index) =>
    [`DEPLOY_VARIABLE_${index}`, `${name}=${value}`] as const
  );
  const names = carried.map(([name]) => name);
  const exports = names.length === 0
    ? ""
    : `export ${names.map((name) => `"$${name}"`).join(" ")}; unset ${names.join(" ")}; `;
  return {
    words: [
      ...becoming(user, markGroups(user, mark)),
      ...[SHELL, "-c", `${ENTER}${exports}exec "$@"`, cwd, ...words],
    ],
    env: { PATH: OWN_PATH, ...Object.fromEntries(carried) },
  };
}

/**
 * Lets the pipes of the process be opened again by their names, such as `/dev/stdout`, which only their owner may. It
 * redirects nothing: the shell would do so itself, and what is then at that place be given away.
 */
export function giveOutputs({ uid }: ProgramUser): string {
  return `own=; for fd in 0 1 2; do [ -p /proc/$$/fd/$fd ] && own="$own /proc/$$/fd/$fd"; done; ` +
    `[ -z "$own" ] || chown ${uid} $own; `;
}
