/**
 * Whether an executable can be one of this machine, by its first bytes. What the system cannot execute, a shell takes
 * for a script: it would carry out whatever is in a file that is cut off, or made for another machine.
 */

import { formatMem } from "../core/resources.ts";
import { visibleLine } from "../core/visible.ts";
import type { RunSpec } from "../wire/run_spec.ts";
import { ProgramError, UnfitError } from "./program.ts";

/** How an ELF file of 64 bits begins: with a head of this size. */
const HEAD_BYTES = 64;
const MAGIC = "7f454c4602";
const LITTLE_ENDIAN = 1;

/** How a script begins that names its interpreter, which the system executes: `#!`. */
const SCRIPT = [0x23, 0x21];

/** The processors for which there is Deno, by their numbers in an ELF file. */
const MACHINES: Readonly<Record<number, string>> = { 62: "x86_64", 183: "aarch64" };

/** Why a file cannot be executed here, in a few words. */
export interface Unexecutable {
  readonly why: string;
  /** Whether another machine may execute it. */
  readonly elsewhere: boolean;
}

/**
 * Why a file of so many bytes that begins with `head` cannot be executed on Linux on such a processor; `undefined` if
 * that cannot be seen. Pure.
 */
export function whyUnexecutable(
  head: Uint8Array<ArrayBuffer>,
  sizeBytes: number,
  arch: string,
): Unexecutable | undefined {
  if (SCRIPT.every((byte, index) => head[index] === byte)) return undefined;
  if (head.length < HEAD_BYTES || head.subarray(0, 5).toHex() !== MAGIC) {
    return { why: "it is no executable of Linux", elsewhere: true };
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const isLittle = head[5] === LITTLE_ENDIAN;
  const machine = MACHINES[view.getUint16(18, isLittle)] ?? "another processor";
  if (machine !== arch) {
    return { why: `it is made for ${machine}, and this machine is ${arch}`, elsewhere: true };
  }
  // The tables of its segments and sections, of which the second one comes last.
  const tables = [[32, 54, 56], [40, 58, 60]] as const;
  const ends = tables.map(([start, entrySize, entries]) =>
    Number(view.getBigUint64(start, isLittle)) +
    view.getUint16(entrySize, isLittle) * view.getUint16(entries, isLittle)
  );
  const leastBytes = Math.max(...ends);
  if (sizeBytes >= leastBytes) return undefined;
  return {
    why: `it is cut off: it has ${formatMem(sizeBytes)}, and says it has ${formatMem(leastBytes)}`,
    elsewhere: false,
  };
}

/**
 * Checks the executable of a run, a file in a place that no program can change, where this is Linux.
 *
 * @throws {ProgramError} If it cannot be executed; {@linkcode UnfitError} if another machine may.
 */
export async function checkExecutable(
  { kind, name, manifest }: RunSpec,
  path: string,
): Promise<void> {
  if (kind !== "executable" || Deno.build.os !== "linux") return;
  using file = await Deno.open(path);
  const head = new Uint8Array(HEAD_BYTES);
  const count = await file.read(head) ?? 0;
  const found = whyUnexecutable(head.subarray(0, count), manifest.size, Deno.build.arch);
  if (found === undefined) return;
  const message = `Cannot run ${visibleLine(name)}: ${found.why}; compile it again, ` +
    "or deploy its source";
  throw found.elsewhere ? new UnfitError(message) : new ProgramError(message);
}
