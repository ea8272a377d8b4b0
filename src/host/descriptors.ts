/** The files that this process may still open, as Linux counts them. */

/**
 * How many a process that boots takes here: its output, its stdin, its handle, its control link, and for the moment of
 * its start the other ends of these, a pipe for an error, and what reading the code of the system's command takes.
 */
const PER_BOOT = 12;

/** With so many allowed they are not counted, which takes time: boots are limited by memory before. */
const PLENTY = 16_384;

let limit: number | undefined;

/** Whether the files for `boots` processes, which have not arrived yet, can be opened besides those that are open. */
export function haveDescriptorsFor(boots: number): boolean {
  limit ??= readLimit();
  return limit >= PLENTY || fitDescriptors(limit, countOpen(), boots);
}

/** Whether so many boots fit into a limit, of which some is used. Pure. */
export function fitDescriptors(limit: number, open: number, boots: number): boolean {
  return open + boots * PER_BOOT <= limit;
}

/** The limit of open files in the text of `/proc/self/limits`; infinite if there is none. Pure. */
export function parseLimit(limits: string): number {
  const [, soft = "unlimited"] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  return soft === "unlimited" ? Infinity : Number(soft);
}

function readLimit(): number {
  try {
    return parseLimit(Deno.readTextFileSync("/proc/self/limits"));
  } catch {
    // Other systems have no such file, and reading it needs all permissions.
    return Infinity;
  }
}

function countOpen(): number {
  let count = 0;
  try {
    for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
  } catch {
    // To count them takes one, too, and there is none.
    return Infinity;
  }
  return count;
}
