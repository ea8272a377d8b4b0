/** The name of a process as a person sees it: the beginning of its Pid, in a colour of its own. */

import { type Pid, shortPid } from "../core/pid.ts";

/** Colours of the 256-colour palette that stand out from a black and from a white background. */
export const NAME_COLORS: readonly number[] = [196, 130, 64, 28, 30, 31, 27, 63, 98, 129, 164];

/** How a name is shown. */
export interface ProcessNameOptions {
  /** Whether in colour. */
  readonly colors: boolean;
  /** Whether it stands as a heading, and so in bold. */
  readonly heading?: boolean;
}

/** The first 7 hex digits of `pid`, in a colour that depends on nothing but `pid`. */
export function processName(pid: Pid, options: ProcessNameOptions): string {
  const name = shortPid(pid);
  if (!options.colors) return name;
  const color = NAME_COLORS[parseInt(name, 16) % NAME_COLORS.length] ?? 0;
  const colored = `\x1b[38;5;${color}m${name}\x1b[39m`;
  return options.heading === true ? `\x1b[1m${colored}\x1b[22m` : colored;
}
