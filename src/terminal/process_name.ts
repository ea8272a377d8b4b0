/** The name of a process as a person sees it: the beginning of its Pid, in a colour of its own. */

// @ts-types="../../types/std_fmt.d.ts"
import { bold, getColorEnabled, rgb8, setColorEnabled } from "@std/fmt/colors";
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
  // Whether there are colours is the caller's decision; the library has one of its own.
  const enabled = getColorEnabled();
  setColorEnabled(true);
  try {
    const colored = rgb8(name, color);
    return options.heading === true ? bold(colored) : colored;
  } finally {
    setColorEnabled(enabled);
  }
}
