/** Forwards the stdin of this OS process to the first process of a run. */

import { KiB } from "../core/resources.ts";

/** The size of one read. */
const CHUNK_BYTES = 64 * KiB;

/** How often a background program checks whether it has been brought to the foreground. */
const BACKGROUND_POLL_MS = 500;

/** A source of input, such as `Deno.stdin`. */
export interface InputSource {
  read(buffer: Uint8Array): Promise<number | null>;
  isTerminal(): boolean;
}

/** How input is forwarded. */
export interface ForwardOptions {
  /** Resolves when `target` wants to be given more. @default at once */
  readonly wanted?: () => Promise<void>;
  /** @default {@linkcode isInBackground} */
  readonly isBackground?: () => Promise<boolean>;
}

/**
 * Copies `source` to `target` with backpressure, and closes `target` at the end.
 *
 * Resolves then, or when `target` fails, after which no more is read. Reads from a terminal only in
 * the foreground: in the background, the system would stop the whole program.
 */
export async function forwardInput(
  source: InputSource,
  target: WritableStream<Uint8Array<ArrayBuffer>>,
  { wanted, isBackground = isInBackground }: ForwardOptions = {},
): Promise<void> {
  const writer = target.getWriter();
  const buffer = new Uint8Array(CHUNK_BYTES);
  try {
    while (true) {
      await wanted?.();
      while (source.isTerminal() && await isBackground()) {
        await new Promise((resolve) => setTimeout(resolve, BACKGROUND_POLL_MS));
      }
      const count = await readOrEnd(source, buffer);
      if (count === null) break;
      await writer.write(buffer.slice(0, count));
    }
    await writer.close();
  } catch {
    // The process has closed its stdin or ended: there is no reader.
    await writer.abort().catch(() => {});
  }
}

async function readOrEnd(source: InputSource, buffer: Uint8Array): Promise<number | null> {
  try {
    return await source.read(buffer);
  } catch {
    // A closed stdin, or a terminal that was closed, counts as the end of input.
    return null;
  }
}

/** Whether another program than this one is in the foreground of the terminal. */
export async function isInBackground(): Promise<boolean> {
  try {
    return isBackgroundStat(await Deno.readTextFile("/proc/self/stat"));
  } catch {
    // There is no /proc on macOS, and it may only be read with all permissions.
  }
  try {
    const command = new Deno.Command("ps", {
      args: ["-o", "pgid=,tpgid=", "-p", String(Deno.pid)],
      stdin: "null",
      stderr: "null",
    });
    const text = new TextDecoder().decode((await command.output()).stdout);
    const [group, foreground] = text.trim().split(/\s+/);
    return group !== foreground;
  } catch {
    // Unknown, so the usual case is assumed.
    return false;
  }
}

/** Parses `/proc/self/stat`: whether the process group is not the terminal's. */
export function isBackgroundStat(stat: string): boolean {
  // The name in parentheses can contain anything; after it come state, ppid, pgrp, session, tty, tpgid.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[2] !== fields[5];
}
