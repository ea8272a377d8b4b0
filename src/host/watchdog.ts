/** Ends the processes of a run when the launcher is gone, for any reason. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";

/**
 * Reads `+ <group>` and `- <group>`. When its stdin ends, it kills the groups that it knows of, and their
 * leaders, which may not have created their groups yet. It uses only shell builtins.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r change group; do
  case $group in '' | *[!0-9]*) continue ;; esac
  case $change in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" "$group" 2>/dev/null; done
exit 0
`;

/** How often a dying watchdog is started again. */
const MAX_STARTS = 10;

const encoder = new TextEncoder();

interface Shell {
  readonly child: Deno.ChildProcess;
  readonly writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
}

/**
 * A small shell process in its own session, which outlives the launcher just long enough to kill the
 * process groups that it was told about.
 *
 * Control links end by themselves with the launcher, but a process whose code computes forever does not
 * notice. The watchdog does not keep the launcher alive. If it is killed, another one replaces it. Where
 * there is no shell, there is no watchdog, and one warning.
 */
export class Watchdog {
  readonly #logger: Logger;
  readonly #groups = new Set<number>();
  #shell: Shell | undefined;
  #starts = 0;
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#start();
  }

  /** The process id of the shell, while there is one. */
  get pid(): number | undefined {
    return this.#shell?.child.pid;
  }

  /** Adds a group. Once this has resolved, the group ends with the launcher, even if that is killed. */
  async add(group: number): Promise<void> {
    this.#groups.add(group);
    await this.#tell(`+ ${group}\n`);
  }

  /** Removes a group that has ended, since its id may be reused. */
  remove(group: number): void {
    if (this.#groups.delete(group)) void this.#tell(`- ${group}\n`);
  }

  /** Ends the watchdog, and with it the groups that have not been removed. */
  async close(): Promise<void> {
    this.#closed = true;
    const shell = this.#shell;
    if (shell === undefined) return;
    shell.child.ref();
    // Fails if the shell is already dead, which has the same effect.
    await shell.writer.close().catch(() => {});
    await shell.child.status;
  }

  #start(): void {
    this.#starts++;
    try {
      const child = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT],
        cwd: "/",
        clearEnv: true,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
        detached: true,
      }).spawn();
      child.unref();
      this.#shell = { child, writer: child.stdin.getWriter() };
      void this.#awaitEnd(child);
    } catch (error) {
      this.#warn(messageOf(error));
      return;
    }
    if (this.#groups.size > 0) {
      this.#tell([...this.#groups].map((group) => `+ ${group}\n`).join(""));
    }
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
