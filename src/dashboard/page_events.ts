/** Events of a run as a page gets them: bytes as text, and what no page shows left out. */

import type { Pid } from "../core/pid.ts";
import { CutCharacters } from "../terminal/cut_characters.ts";
import { cutSequenceLength } from "../terminal/cut_sequences.ts";
import type { PageEvent } from "./messages.ts";
import type { Told } from "./watched.ts";

/** Turns the events of one run, in order, into those for a page. */
export class PageEvents {
  readonly #cut = new CutCharacters(cutSequenceLength);
  readonly #decoder = new TextDecoder();

  of(told: Told): PageEvent[] {
    switch (told.event) {
      case "missing":
        return [{ event: "missing", events: told.events, bytes: 0 }];
      case "noticed":
        return [];
      case "output":
        return this.#text(
          told.pid,
          told.fd,
          this.#cut.join(told.pid, told.fd, told.bytes),
          told.time,
        );
      case "eof":
        return this.#text(told.pid, told.fd, this.#cut.rest(told.pid, told.fd), 0);
      case "spawn":
      case "exit":
      case "said":
        return [told];
    }
  }

  #text(pid: Pid, fd: 1 | 2, bytes: Uint8Array<ArrayBuffer>, time: number): PageEvent[] {
    if (bytes.length === 0) return [];
    return [{ event: "output", pid, fd, text: this.#decoder.decode(bytes), time }];
  }
}
