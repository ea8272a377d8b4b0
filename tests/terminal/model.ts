/** A slow implementation of the human format, byte by byte, to compare the fast one with. */

import type { OutputFd, RunEvent } from "../../src/core/events.ts";
import type { Pid } from "../../src/core/pid.ts";

/** Whether `bytes` are an incomplete character, according to the platform. */
export function isBeginning(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return bytes.length > 0 && decoder.decode(bytes, { stream: true }) === "";
  } catch {
    return false; // these bytes are not UTF-8
  }
}

/**
 * The text of a run on the stream with the headings, without colours.
 *
 * @param fds The streams of processes that it shows.
 */
export function showSlowly(
  events: Iterable<RunEvent>,
  fds: readonly OutputFd[],
): Uint8Array<ArrayBuffer> {
  const screen: number[] = [];
  const held = new Map<string, number[]>();
  const names = new Map<Pid, string>();
  let shown: Pid | undefined;
  const say = (text: string): void => void screen.push(...new TextEncoder().encode(text));
  const atLineStart = (): boolean => screen.length === 0 || screen.at(-1) === 10;
  const title = (pid: Pid): string => `${pid.slice(0, 7)} ${names.get(pid)}`;
  const under = (pid: Pid): void => {
    if (shown === pid) return;
    if (!atLineStart()) say("\n");
    say(`${title(pid)}:\n`);
    shown = pid;
  };
  const note = (pid: Pid, text: string): void => {
    under(pid);
    if (!atLineStart()) say("\n");
    say(`   ${text}\n`);
  };
  const write = (pid: Pid, bytes: readonly number[]): void => {
    for (const byte of bytes) {
      under(pid);
      const isOver = screen.at(-1) === 13 && byte !== 10 && byte !== 13;
      if (atLineStart() || isOver) say("   ");
      screen.push(byte);
    }
  };
  for (const event of events) {
    if (!("pid" in event)) continue;
    const { pid } = event;
    if (event.event === "spawn") {
      names.set(pid, event.name);
      if (event.parent !== null) note(event.parent, `spawned: ${title(pid)}`);
    }
    if (event.event === "output" || event.event === "eof") {
      const key = `${event.fd} ${pid}`;
      const bytes = [...held.get(key) ?? [], ...(event.event === "output" ? event.bytes : [])];
      const cut = event.event === "eof"
        ? 0
        : [1, 2, 3].find((length) => isBeginning(new Uint8Array(bytes.slice(-length)))) ?? 0;
      held.set(key, bytes.splice(bytes.length - cut));
      if (fds.includes(event.fd)) write(pid, bytes);
    }
    if (event.event === "exit") {
      const [kind, content] = Object.entries(event.status)[0]!;
      const why = kind === "code" || kind === "signal" ? `${content}` : `${kind}: ${content}`;
      note(pid, why === "0" ? "exited" : `exited: ${why}`);
    }
  }
  return new Uint8Array(screen);
}
