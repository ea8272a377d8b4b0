/** The format for programs: one JSON object a line on stdout, and nothing else. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { visibleJson, visibleLine } from "../core/visible.ts";
import { CutCharacters } from "./cut_characters.ts";
import type { Formatter, Segment } from "./segment.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
/** A byte order mark is part of the output, so it is kept. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Formats a run's events as data: one line for each event, all to stdout, keys in a fixed order.
 *
 * The bytes of an `output` are `text` if they are UTF-8, and `base64` otherwise. A character that
 * was split by a read comes complete, with the second part: at `eof`, the rest of a stream
 * makes one more `output`. An `output` without bytes makes no line.
 */
export class JsonFormatter implements Formatter {
  readonly #cut = new CutCharacters();
  /** The time of the latest event: the rest of a stream was written no later. */
  #time = 0;

  format(event: RunEvent): Segment[] {
    if ("time" in event) this.#time = event.time;
    switch (event.event) {
      case "spawn": {
        const { parent, pid, name, node } = event;
        return [line({ event: "spawn", parent, pid, name, node, time: iso(event.time) })];
      }
      case "output":
        return this.#output(event.pid, event.fd, this.#cut.join(event.pid, event.fd, event.bytes));
      case "eof": {
        const { pid, fd } = event;
        return [...this.#rest(pid, fd), line({ event: "eof", pid, fd })];
      }
      case "exit": {
        const { pid, status, time } = event;
        return [
          ...this.#rest(pid, 1),
          ...this.#rest(pid, 2),
          line({ event: "exit", pid, status, time: iso(time) }),
        ];
      }
      case "said":
        return [this.remark(`deploy: ${visibleLine(event.text)}`)];
      case "noticed":
        return [];
    }
  }

  missing(events: number): Segment {
    return line({ event: "missing", events });
  }

  remark(text: string): Segment {
    return { fd: 2, bytes: encoder.encode(`${text}\n`) };
  }

  /** The rest of a stream: an incomplete character. */
  #rest(pid: Pid, fd: OutputFd): Segment[] {
    return this.#output(pid, fd, this.#cut.rest(pid, fd));
  }

  #output(pid: Pid, fd: OutputFd, bytes: Bytes): Segment[] {
    if (bytes.length === 0) return [];
    const text = decode(bytes);
    const content = text === undefined ? { base64: bytes.toBase64() } : { text };
    return [line({ event: "output", pid, fd, ...content, time: iso(this.#time) })];
  }
}

/** `bytes` decoded as UTF-8, or `undefined` if they are not UTF-8. */
function decode(bytes: Bytes): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** `2026-01-31T12:00:00.123Z` */
function iso(time: number): string {
  return new Date(time).toISOString();
}

function line(value: Record<string, unknown>): Segment {
  return { fd: 1, bytes: encoder.encode(`${visibleJson(value)}\n`) };
}
