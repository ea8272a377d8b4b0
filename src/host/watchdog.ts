/** Ends the processes of a run when the launcher is gone, for any reason. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { StartTimer } from "../core/timer.ts";
import { type Marks, ownMark } from "./marks.ts";
import { sessionWords } from "./new_session.ts";
import { faultOf } from "./node_fault.ts";

/**
 * Reads `+ <group>`, `- <group>`, and `= <marks>`, which ends the processes with one of these marks
 * (`1|2|3`) and is answered by a line. When its stdin ends, it kills the groups that it knows of, and their
 * leaders, which may not have created their groups yet, and the processes whose marks match `$1`, and
 * removes the folder `$2`. If it is in that folder, it finds it also where that has been moved, as far as Linux tells. Marks come after
 * `$4` in the files `$3` of `/proc`.
 *
 * Besides shell builtins it uses `grep` and `readlink`, on what Linux has in `/proc`, and `rm`. A killed process may have
 * started another one just before, so it looks again until it finds nothing new.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
file=$3
before_mark=$4
inside=
[ -n "$2" ] && [ "$2" -ef . ] && inside=1
end_marked() {
  before=
  while
    found=$(grep -lsE "$before_mark($1) " /proc/[0-9]*/$file 2>/dev/null)
    [ -n "$found" ] && [ "$found" != "$before" ]
  do
    for each in $found; do
      id=\${each#/proc/}
      kill -s KILL "\${id%/*}" 2>/dev/null
    done
    before=$found
  done
}
while read -r change what; do
  case $what in '' | *[!0-9'|']*) continue ;; esac
  case $change in
    +) groups="$groups$what " ;;
    -) case $groups in *" $what "*) groups="\${groups%% $what *} \${groups#* $what }" ;; esac ;;
    =) end_marked "$what"; echo ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" "$group" 2>/dev/null; done
end_marked "$1"
if [ -n "$inside" ]; then
  moved=$(readlink /proc/self/cwd 2>/dev/null)
  [ "$moved" -ef . ] && rm -rf -- "$moved"
fi
if [ -d "$2" ]; then rm -rf -- "$2"; fi
exit 0
`;

/** How long after a process's end the watchdog looks for what it left: once for many, since it reads all of /proc. */
const LOOK_MS = 1_000;

/** How many marks it looks for at once. */
const MAX_MARKS = 500;

/** One that dies is started again: at once, and if it ends soon, after a pause that doubles from the first to the second. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 60_000;

/** One that has run for so long did not end soon. */
const WELL_MS = 10_000;

/** After so many that ended soon there is a warning. */
const MANY_ENDS = 5;

/** How often it is tried to kill what is left at the end. */
const MAX_CLOSES = 10;

const encoder = new TextEncoder();

/** A folder that may be moved. */
export interface WatchedFolder {
  /** Where it is now; `undefined` if it is not found. */
  where(): string | undefined;
  /** Whether a program can move it. */
  readonly canMove: boolean;
}

interface Shell {
  readonly child: Deno.ChildProcess;
  readonly writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  /** The questions that it has not answered, in order. */
  readonly asked: ((answered: boolean) => void)[];
}

/**
 * A small shell process in its own session, which outlives the launcher just long enough to kill the
 * process groups that it was told about, and what their processes have started outside of them.
 *
 * Control links end by themselves with the launcher, but a process whose code computes forever does not
 * notice. The watchdog does not keep the launcher alive. It starts with the first process. If it is killed,
 * another one replaces it; where none can be started, it is tried again, less and less often, and there is one warning. Where
 * there is no shell, there is no watchdog.
 */
export class Watchdog {
  readonly #logger: Logger;
  readonly #marks: Pick<Marks, "pattern" | "place">;
  readonly #folder: WatchedFolder | undefined;
  readonly #groups = new Set<number>();
  /** The marks of processes that have ended, and may have left others. */
  #left: string[] = [];
  #look: ReturnType<typeof setTimeout> | undefined;
  #shell: Shell | undefined;
  #begun = false;
  #startedMs = 0;
  /** How many have ended soon, one after the other. */
  #ends = 0;
  /** Set during such a pause; ends it. */
  #cancelPause: (() => void) | undefined;
  /** Whether there can be none here. */
  #impossible = false;
  readonly #startTimer: StartTimer;
  #closed = false;

  /**
   * @param options.marks Those that the processes of its groups have.
   * @param options.folder A folder that is removed with the groups. @default none
   * @param options.startTimer For the pause before one is started again. @default real time; it keeps no process alive
   */
  constructor(
    options: {
      logger: Logger;
      marks: Pick<Marks, "pattern" | "place">;
      folder?: WatchedFolder | undefined;
      startTimer?: StartTimer;
    },
  ) {
    this.#logger = options.logger;
    this.#marks = options.marks;
    this.#folder = options.folder;
    this.#startTimer = options.startTimer ?? startQuietTimer;
  }

  /** The process id of the shell, while there is one. */
  get pid(): number | undefined {
    return this.#shell?.child.pid;
  }

  /** Adds a group. Once this has resolved, the group ends with the launcher, even if that is killed. */
  async add(group: number): Promise<void> {
    this.#begin();
    this.#groups.add(group);
    await this.#tell(`+ ${group}\n`);
  }

  /** Removes a group that has ended, since its id may be reused. */
  remove(group: number): void {
    if (this.#groups.delete(group)) void this.#tell(`- ${group}\n`);
  }

  /** The process with this mark has ended: what it left ends within a second or two. */
  left(mark: string): void {
    this.#begin();
    this.#left.push(ownMark(mark));
    this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#look !== undefined || this.#closed) return;
    this.#look = setTimeout(() => void this.endLeft(), LOOK_MS);
    Deno.unrefTimer(Number(this.#look));
  }

  /** Ends what the processes left that have ended until now; resolves when that is done. */
  async endLeft(): Promise<void> {
    clearTimeout(this.#look);
    this.#look = undefined;
    const marks = this.#left.splice(0);
    while (marks.length > 0 && this.#shell !== undefined) {
      // One that is killed meanwhile has answered nothing, and the next one is asked.
      if (await this.#ask(this.#shell, marks.slice(0, MAX_MARKS))) marks.splice(0, MAX_MARKS);
    }
    if (marks.length === 0 || this.#cancelPause === undefined) return;
    this.#left.unshift(...marks); // for the next one
    this.#lookSoon();
  }

  /** Ends the watchdog, and with it the groups that have not been removed, and all that they have left. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#look);
    this.#cancelPause?.();
    for (let tries = 0; tries < MAX_CLOSES; tries++) {
      if (this.#shell === undefined && this.#begun && !this.#impossible) this.#start();
      const shell = this.#shell;
      if (shell === undefined) return;
      shell.child.ref();
      // Fails if the shell is already dead.
      await shell.writer.close().catch(() => {});
      const { success } = await shell.child.status;
      if (success) return;
      this.#shell = undefined;
    }
  }

  async #ask(shell: Shell, marks: readonly string[]): Promise<boolean> {
    const answered = new Promise<boolean>((resolve) => shell.asked.push(resolve));
    shell.child.ref();
    await this.#tell(`= ${marks.join("|")}\n`);
    const isAnswered = await answered;
    if (shell.asked.length === 0 && !this.#closed) shell.child.unref();
    return isAnswered;
  }

  /** Starts the first shell, if that has not been done. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#start();
  }

  #start(): void {
    this.#startedMs = performance.now();
    const { pattern, place: { file, before } } = this.#marks;
    const { words, detached } = sessionWords();
    const folder = this.#folder?.where();
    const shell = ["/bin/sh", "-c", SCRIPT, "watchdog", pattern, folder ?? "", file, before];
    const [command, ...args] = [...words, ...shell];
    try {
      const child = new Deno.Command(command!, {
        args,
        cwd: folder !== undefined && this.#folder!.canMove ? folder : "/",
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        detached,
      }).spawn();
      child.unref();
      const shell = this.#shell = { child, writer: child.stdin.getWriter(), asked: [] };
      void this.#awaitAnswers(shell);
      void this.#awaitEnd(child);
    } catch (error) {
      if (faultOf(error) !== undefined) return this.#again(messageOf(error));
      this.#impossible = true;
      return this.#warn(messageOf(error));
    }
    if (this.#groups.size > 0) {
      this.#tell([...this.#groups].map((group) => `+ ${group}\n`).join(""));
    }
  }

  /** An answer is one byte. */
  async #awaitAnswers({ child, asked }: Shell): Promise<void> {
    for await (const bytes of child.stdout) {
      for (const resolve of asked.splice(0, bytes.length)) resolve(true);
    }
    await child.status; // from then on there is another shell
    for (const resolve of asked.splice(0)) resolve(false);
  }

  async #awaitEnd(child: Deno.ChildProcess): Promise<void> {
    const { code } = await child.status;
    if (this.#closed) return;
    // Unread writes fail, and count as not written.
    void this.#shell?.writer.abort().catch(() => {});
    this.#shell = undefined;
    this.#again(`it ended with exit code ${code}`);
  }

  /** It has ended, or could not be started: starts another one. */
  #again(why: string): void {
    if (this.#closed) return;
    if (performance.now() - this.#startedMs > WELL_MS) this.#ends = 0;
    this.#ends++;
    if (this.#ends === 1) return this.#start();
    if (this.#ends === MANY_ENDS) this.#warn(`${why}; trying again`);
    const ms = Math.min(FIRST_PAUSE_MS * 2 ** (this.#ends - 2), MAX_PAUSE_MS);
    this.#cancelPause = this.#startTimer(ms, () => {
      this.#cancelPause = undefined;
      this.#start();
    });
  }

  async #tell(text: string): Promise<void> {
    // Fails if the shell has just died; the next one is told of all groups.
    await this.#shell?.writer.write(encoder.encode(text)).catch(() => {});
  }

  #warn(why: string): void {
    this.#logger.warn(
      `no watchdog: ${why}; if this process is killed, processes of the program may outlive it`,
    );
  }
}

function startQuietTimer(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  Deno.unrefTimer(timer);
  return () => clearTimeout(timer);
}
