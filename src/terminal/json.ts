/** The format for programs: one JSON object a line on stdout, and nothing else there. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { CutCharacters } from "./cut_characters.ts";
import type { Formatter, Segment } from "./segment.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
/** A byte order mark is part of what was written, so it is kept. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Formats a run's events as data: a line for each event, all for stdout, keys in a fixed order.
 *
 * The bytes of an `output` are `text` where they are UTF-8, and `base64` otherwise. A character that
 * was cut in two by a read comes whole, with the later of the two: at `eof`, what is left of a stream
 * makes one more `output`. An `output` without bytes makes no line.
 */
export class JsonFormatter implements Formatter {
  readonly #cut = new CutCharacters();

  format(event: RunEvent): Segment[] {
    switch (event.event) {
      case "spawn":
        return [line({ event: "spawn", parent: event.parent, pid: event.pid })];
      case "output":
        return output(event.pid, event.fd, this.#cut.join(event.pid, event.fd, event.bytes));
      case "eof":
        return [
          ...output(event.pid, event.fd, this.#cut.rest(event.pid, event.fd)),
          line({ event: "eof", pid: event.pid, fd: event.fd }),
        ];
      case "exit":
        return [
          ...output(event.pid, 1, this.#cut.rest(event.pid, 1)),
          ...output(event.pid, 2, this.#cut.rest(event.pid, 2)),
          line({ event: "exit", pid: event.pid, status: event.status }),
        ];
    }
  }

  remark(text: string): Segment {
    return { fd: 2, bytes: encoder.encode(`${text}\n`) };
  }
}

function output(pid: Pid, fd: OutputFd, bytes: Bytes): Segment[] {
  if (bytes.length === 0) return [];
  const text = decode(bytes);
  const content = text === undefined ? { base64: bytes.toBase64() } : { text };
  return [line({ event: "output", pid, fd, ...content })];
}

/** The text that `bytes` are in UTF-8, or `undefined` if they are not. */
function decode(bytes: Bytes): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function line(value: Record<string, unknown>): Segment {
  return { fd: 1, bytes: encoder.encode(`${JSON.stringify(value)}\n`) };
}
