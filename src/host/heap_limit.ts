/** The limit of V8's heap, so that a leak in JavaScript ends with V8's message about it. */

import { MiB } from "../core/resources.ts";
import { limitOf } from "./memory_limit.ts";
import type { Program } from "./program.ts";

/** What a process of Deno uses besides its heap: so much, and this part of its memory. */
const RUNTIME_MIB = 28;
const OVERHEAD = 0.03;

/**
 * How large each half of the young generation may become, by how much memory the process has. V8 takes larger
 * ones, which are faster, but with them a small process would have little memory left for the rest of its heap.
 */
const HALVES = [
  { belowMiB: 200, halfMiB: 4 },
  { belowMiB: 1_024, halfMiB: 16 },
] as const;

/** V8's own choice. */
const V8_HALF_MIB = 32;

/** A program that names one of these chooses the size of its heap. */
const OWN_SIZE = /max[-_](old[-_]space|heap|semi[-_]space)[-_]size/;

const V8_FLAGS = "--v8-flags=";

/** V8's line when its heap is full. A process then ends by SIGTRAP, and cannot do anything about it. */
const HEAP_MESSAGE = /^# Fatal JavaScript out of memory: /m;

/** How V8's heap is limited for a process that has asked for so much memory. */
interface HeapLimit {
  readonly oldMiB: number;
  /** `undefined` for V8's choice. */
  readonly halfMiB: number | undefined;
}

/** Leaves room for the rest of the process, so that V8's limit is reached before the process's. */
function heapLimit(askedBytes: number): HeapLimit {
  const mib = Math.floor(limitOf(askedBytes) / MiB);
  const halfMiB = HALVES.find(({ belowMiB }) => mib < belowMiB)?.halfMiB;
  const rest = RUNTIME_MIB + 2 * (halfMiB ?? V8_HALF_MIB) + Math.round(OVERHEAD * mib);
  return { oldMiB: mib - rest, halfMiB };
}

/** How large the heap of a process may become that has asked for so much memory, in bytes. */
export function heapBytesOf(askedBytes: number): number {
  return heapLimit(askedBytes).oldMiB * MiB;
}

/** The program with a limit to its heap, where its runtime takes one and the program does not choose it. */
export function withHeapLimit(program: Program, askedBytes: number): Program {
  const { args, flagsAt } = program;
  if (!takesHeapLimit(program) || flagsAt === undefined) return program;
  const { oldMiB, halfMiB } = heapLimit(askedBytes);
  const flags = [`--max-old-space-size=${oldMiB}`];
  if (halfMiB !== undefined) flags.push(`--max-semi-space-size=${halfMiB}`);
  // Deno takes the option once.
  const given = args.slice(0, flagsAt).findIndex((arg) => arg.startsWith(V8_FLAGS));
  return {
    ...program,
    args: given < 0
      ? args.toSpliced(flagsAt, 0, V8_FLAGS + flags.join(","))
      : args.with(given, [args[given], ...flags].join(",")),
  };
}

/** Whether {@linkcode withHeapLimit} limits the heap of this program. */
export function takesHeapLimit({ args, flagsAt }: Program): boolean {
  return flagsAt !== undefined && !args.slice(0, flagsAt).some((arg) => OWN_SIZE.test(arg));
}

/** Whether a process that has ended by SIGTRAP, and wrote this last, had a full heap. */
export function isHeapFull(lastLines: string): boolean {
  return HEAP_MESSAGE.test(lastLines);
}
