/** Events of runs, for tests: by hand, and at random from a seed. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import type { OutputFd, RunEvent } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { makePid, type Pid } from "../../src/core/pid.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A Pid that begins with `digits`. */
export function testPid(digits: string): Pid {
  return makePid(digits.padEnd(32, "0"), "127.0.0.1", 4100);
}

/** Bytes of a text. */
export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** The time of all these events. */
export const TIME: number = Date.UTC(2026, 0, 31, 12, 0, 0, 123);

export function spawned(
  parent: Pid | null,
  pid: Pid,
  name: string = parent === null ? "workers.ts" : "worker",
): RunEvent {
  return { event: "spawn", parent, pid, name, node: null, time: TIME };
}

export function wrote(pid: Pid, fd: OutputFd, content: string | Bytes): RunEvent {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return { event: "output", pid, fd, bytes, time: TIME };
}

/** Both ends of output and the exit of a process. */
export function ended(pid: Pid, status: ExitStatus = { code: 0 }): RunEvent[] {
  return [
    { event: "eof", pid, fd: 1 },
    { event: "eof", pid, fd: 2 },
    { event: "exit", pid, status, time: TIME },
  ];
}

export const FIRST: Pid = testPid("3fecd01");
export const WORKER: Pid = testPid("8a3be21");

/** The run that the documentation shows. */
export const EXAMPLE: readonly RunEvent[] = [
  spawned(null, FIRST),
  spawned(FIRST, WORKER),
  wrote(WORKER, 1, "hello worker 0!\n"),
  ...ended(WORKER),
  wrote(FIRST, 1, "total 4500!\n"),
  ...ended(FIRST),
];

/** {@linkcode EXAMPLE} on a terminal. */
export const EXAMPLE_SHOWN = `3fecd01 workers.ts:
   spawned: 8a3be21 worker
8a3be21 worker:
   hello worker 0!
   exited
3fecd01 workers.ts:
   total 4500!
   exited
`;

/** Its text on stderr if stdout goes elsewhere. */
export const EXAMPLE_BESIDE = `3fecd01 workers.ts:
   spawned: 8a3be21 worker
8a3be21 worker:
   exited
3fecd01 workers.ts:
   exited
`;

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Characters of 1 to 4 bytes, many newlines, and bytes that are not characters. */
const ALPHABET: readonly Bytes[] = [
  ..."ab\n\n\r é€𝄞\u{10ffff}\u{ffff}\u{feff}",
].map(utf8).concat([[0x80], [0xc3], [0xe2, 0x82], [0xf0, 0x9f], [0xff], [0xed, 0xa0, 0x80]]
  .map((bytes) => new Uint8Array(bytes)));

const STATUSES: readonly ExitStatus[] = [
  { code: 0 },
  { code: 3 },
  { signal: "SIGKILL" },
  { killed: "memory: 131 MiB used, 100 MiB asked" },
  { lost: "node 10.0.0.3:9999 did not answer for 10 s" },
];

/** A whole run of `processes` processes, with the events in a random possible order. */
export function randomRun(random: () => number, processes: number): RunEvent[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const alive: { pid: Pid; open: OutputFd[] }[] = [];
  const events: RunEvent[] = [];
  let count = 0;
  const start = (parent: Pid | null): void => {
    const pid = testPid((++count * 0x9e3779b1 % 2 ** 32).toString(16).padStart(8, "0"));
    alive.push({ pid, open: [1, 2] });
    events.push(spawned(parent, pid));
  };
  start(null);
  while (alive.length > 0) {
    const index = below(alive.length);
    const { pid, open } = alive[index]!;
    const choice = random();
    if (count < processes && choice < 0.3) {
      start(pid);
    } else if (choice < 0.9 || count < processes) {
      if (open.length === 0) continue;
      const fd = open[below(open.length)]!;
      const parts = Array.from({ length: below(8) }, () => ALPHABET[below(ALPHABET.length)]!);
      const bytes = concat(parts);
      // A read may begin and end within a character.
      events.push(wrote(pid, fd, bytes.slice(below(2), bytes.length - below(3))));
    } else if (open.length > 0) {
      events.push({ event: "eof", pid, fd: open.splice(below(open.length), 1)[0]! });
    } else {
      alive.splice(index, 1);
      events.push({ event: "exit", pid, status: STATUSES[below(STATUSES.length)]!, time: TIME });
    }
  }
  return events;
}
