/** The human format again, byte by byte and slowly, to compare the fast one with. */

import type { OutputFd, RunEvent } from "../../src/core/events.ts";
import type { Pid } from "../../src/core/pid.ts";

/** One byte on the screen, and the stream that it belongs to. */
export interface ShownByte {
  readonly fd: OutputFd;
  readonly byte: number;
}

/** Whether `bytes` are the beginning of a character, and not all of it: asked of the platform. */
export function isBeginning(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return bytes.length > 0 && decoder.decode(bytes, { stream: true }) === "";
  } catch {
    return false; // these bytes are no UTF-8
  }
}

/** All that is shown of a run, in the order on the screen, without colours. */
export function showSlowly(events: Iterable<RunEvent>): ShownByte[] {
  const screen: ShownByte[] = [];
  const held = new Map<string, number[]>();
  let shown: Pid | undefined;
  const put = (fd: OutputFd, bytes: Iterable<number>): void => {
    for (const byte of bytes) screen.push({ fd, byte });
  };
  const say = (text: string): void => put(2, new TextEncoder().encode(text));
  const atLineStart = (): boolean => screen.length === 0 || screen.at(-1)?.byte === 10;
  const under = (pid: Pid): void => {
    if (shown === pid) return;
    if (!atLineStart()) say("\n");
    say(`${pid.slice(0, 7)}:\n`);
    shown = pid;
  };
  const note = (pid: Pid, text: string): void => {
    under(pid);
    if (!atLineStart()) say("\n");
    say(`   ${text}\n`);
  };
  const write = (pid: Pid, fd: OutputFd, bytes: readonly number[]): void => {
    for (const byte of bytes) {
      under(pid);
      if (atLineStart()) say("   ");
      put(fd, [byte]);
    }
  };
  for (const event of events) {
    if (!("pid" in event)) continue;
    const { pid } = event;
    if (event.event === "spawn" && event.parent !== null) {
      note(event.parent, `spawned: ${pid.slice(0, 7)}`);
    }
    if (event.event === "output" || event.event === "eof") {
      const key = `${event.fd} ${pid}`;
      const bytes = [...held.get(key) ?? [], ...(event.event === "output" ? event.bytes : [])];
      const cut = event.event === "eof"
        ? 0
        : [1, 2, 3].find((length) => isBeginning(new Uint8Array(bytes.slice(-length)))) ?? 0;
      held.set(key, bytes.splice(bytes.length - cut));
      write(pid, event.fd, bytes);
    }
    if (event.event === "exit") {
      const [kind, content] = Object.entries(event.status)[0]!;
      const why = kind === "code" || kind === "signal" ? `${content}` : `${kind}: ${content}`;
      note(pid, why === "0" ? "exited" : `exited: ${why}`);
    }
  }
  return screen;
}
