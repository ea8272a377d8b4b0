/** The title of a process on the screen: the beginning of its Pid, in a colour of its own, and its name. */

import { type Pid, shortPid } from "../core/pid.ts";
import { visibleName } from "../core/visible.ts";

/** Colours of the 256-colour palette that are readable on a black and on a white background. */
export const PID_COLORS: readonly number[] = [196, 130, 64, 28, 30, 31, 27, 63, 98, 129, 164];

/** How a title is shown. */
export interface TitleOptions {
  /** Whether it is in colour. */
  readonly colors: boolean;
  /** Whether it is a heading, and so bold. */
  readonly heading?: boolean;
}

/**
 * The first 7 hex digits of `pid`, in a colour that depends only on `pid`, and `name`.
 *
 * The escape sequences are written here rather than by a package: the launcher loads this module, and a
 * package would be in every executable that `deno compile` makes from a program.
 *
 * @param name If it is `undefined`, the digits stand alone.
 */
export function processTitle(pid: Pid, name: string | undefined, options: TitleOptions): string {
  const digits = shortPid(pid);
  const shown = name === undefined ? "" : ` ${visibleName(name)}`;
  if (!options.colors) return `${digits}${shown}`;
  const color = PID_COLORS[parseInt(digits, 16) % PID_COLORS.length] ?? 0;
  const title = `\x1b[38;5;${color}m${digits}\x1b[39m${shown}`;
  return options.heading === true ? `\x1b[1m${title}\x1b[22m` : title;
}

/** The names of processes, from the events of a run. Ended processes are removed. */
export class ProcessNames {
  readonly #names = new Map<Pid, string>();

  /** Adds a process that was spawned. */
  add(pid: Pid, name: string): void {
    this.#names.set(pid, name);
  }

  /** Removes a process that has ended, of which nothing more is shown. */
  delete(pid: Pid): void {
    this.#names.delete(pid);
  }

  /** Like {@linkcode processTitle}. */
  title(pid: Pid, options: TitleOptions): string {
    return processTitle(pid, this.#names.get(pid), options);
  }
}
