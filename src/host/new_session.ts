/**
 * The command that starts a program as the leader of its own session, marked, with one output or two, and such
 * that Linux kills it before its node when the machine has no memory left.
 */

import { ownMark } from "./marks.ts";
import { type Program, ProgramError } from "./program.ts";
import { asUser, giveOutputs, OWN_CWD } from "./as_user.ts";

/** Of util-linux: creates a session and executes a command. */
const SETSID = "/usr/bin/setsid";

const SHELL = "/bin/sh";

/**
 * Marks the process with `$0`.
 *
 * The mark is the limit of file locks, which Linux has not used since version 2.4. All that the process
 * starts inherits it, and nobody has a reason to change it; see marks.ts. `-w` is its letter in dash, `-x` in
 * bash.
 */
const MARK = `ulimit -S -w "$0" 2>/dev/null || ulimit -S -x "$0" 2>/dev/null; `;

/** Executes the other arguments. */
const EXECUTE = `exec "$@"`;

/**
 * When the machine has no memory left, Linux kills the process with the highest score: its share of all memory
 * in thousandths, plus this value. That of a program is halfway between its node's and the highest one, and
 * what it starts inherits it. Raising it needs no privilege.
 */
const EXPENDABLE = `{ read -r score </proc/self/oom_score_adj && ` +
  `echo $(((score + 1000) / 2)) >/proc/self/oom_score_adj; } 2>/dev/null; `;

/** Executes a command with a lower priority. */
const NICE = "/usr/bin/nice";

/** Makes stderr the same pipe as stdout. */
const ONE_OUTPUT = " 2>&1";

/** What to give to `Deno.Command`. */
export interface SessionCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it is started. */
  readonly cwd: string;
  /** What is added to the environment, or all of it; see {@linkcode Program.env}. */
  readonly env: Readonly<Record<string, string>>;
  readonly detached: boolean;
  /** Whether stderr is the same pipe as stdout. */
  readonly oneOutput: boolean;
}

/**
 * The command that runs `program` in a session of its own. Its process id is the session's, too.
 *
 * @param options.mark For the processes that it starts. It has none without permission to look for a shell.
 * @param options.groupFiles Where it writes its id first, to be in control groups before it can start anything.
 * @param options.nice How much lower its priority is, from 0 to 19.
 * @param options.env Added to its environment.
 * @throws {ProgramError} If it is to run as another user, and there is no shell for that, or it cannot be executed.
 */
export function inNewSession(
  program: Program,
  { mark, nice, env: added, groupFiles = [] }: {
    mark: string;
    nice: number;
    env: Readonly<Record<string, string>>;
    groupFiles?: readonly string[];
  },
): SessionCommand {
  const { command, args, cwd, user, oneOutput = false } = program;
  const env = { ...program.env, ...added };
  const plain = { command, args, cwd, env, detached: true, oneOutput: false };
  // Deno reports a program that cannot be executed as an error; setsid would write it to the program's
  // stderr.
  if (!isAvailable(SHELL) || !isExecutable(command)) {
    if (user === undefined) return plain;
    throw new ProgramError(`Cannot run ${command} as ${user.name}: it cannot be executed`);
  }
  const outputs = user === undefined ? "" : giveOutputs(user);
  const enter = groupFiles.map((path) => `echo $$ >${quoted(path)}; `).join("");
  const group = enter === "" ? "" : `{ ${enter}} 2>/dev/null; `;
  const script = EXPENDABLE + group + MARK + outputs + EXECUTE + (oneOutput ? ONE_OUTPUT : "");
  const { words: session, detached } = sessionWords();
  const priority = nice > 0 && isAvailable(NICE) ? [NICE, "-n", String(nice)] : [];
  const words = [command, ...args];
  const own = user === undefined ? { words, env } : asUser(user, words, { cwd, env, mark });
  return {
    command: SHELL,
    args: ["-c", script, ownMark(mark), ...session, ...priority, ...own.words],
    cwd: user === undefined ? cwd : OWN_CWD,
    env: own.env,
    detached,
    oneOutput,
  };
}

/**
 * The words before a command that make its process the leader of a session, and whether Deno has to instead.
 *
 * With `detached`, Deno creates the session in a copy of this process, which blocks this process for 5 to
 * 20 ms each time, against 2 ms without. So the new process creates it itself, if `setsid` is available;
 * until then it is in the group of this process.
 */
export function sessionWords(): { words: readonly string[]; detached: boolean } {
  const canSetsid = isAvailable(SETSID);
  return { words: canSetsid ? [SETSID] : [], detached: !canSetsid };
}

/** A word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const found = new Map<string, boolean>();

/** Whether this command exists, as far as this process may check without prompting. */
function isAvailable(path: string): boolean {
  let available = found.get(path);
  if (available === undefined) {
    available = Deno.permissions.querySync({ name: "read" }).state === "granted" &&
      isExecutable(path);
    found.set(path, available);
  }
  return available;
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
