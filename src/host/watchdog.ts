/** Ends the processes of a run when the launcher is gone, for any reason. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type Marks, ownMark } from "./marks.ts";
import { sessionWords } from "./new_session.ts";

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

/** How often a dying watchdog is started again. */
const MAX_STARTS = 10;

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
 * another one replaces it. Where there is no shell, there is no watchdog, and one warning.
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
  #starts = 0;
  #closed = false;

  /**
   * @param options.marks Those that the processes of its groups have.
   * @param options.folder A folder that is removed with the groups. @default none
   */
  constructor(
    options: {
      logger: Logger;
      marks: Pick<Marks, "pattern" | "place">;
      folder?: WatchedFolder | undefined;
    },
  ) {
    this.#logger = options.logger;
    this.#marks = options.marks;
    this.#folder = options.folder;
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
    if (this.#look !== undefined) return;
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
  }

  /** Ends the watchdog, and with it the groups that have not been removed, and all that they have left. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#look);
    while (true) {
      if (this.#shell === undefined && this.#starts < MAX_STARTS) this.#start();
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
    if (this.#starts === 0) this.#start();
  }

  #start(): void {
    this.#starts++;
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
      this.#starts = MAX_STARTS; // it will fail again
      this.#warn(messageOf(error));
      return;
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
    if (this.#starts < MAX_STARTS) this.#start();
    else this.#warn(`it ended ${this.#starts} times, the last time with exit code ${code}`);
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
