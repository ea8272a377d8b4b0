/** Forwards stdin from a bridge to the first process of a run. */

import { ProtocolError } from "../core/protocol_error.ts";
import { STDIN_WINDOW_BYTES } from "../wire/run_messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Keeps incoming data, in order, until there is a process that takes it.
 *
 * It never holds more than a window of unacknowledged data. Once the process takes nothing more, nothing
 * more is acknowledged, and so nothing more comes.
 */
export class StdinFeed {
  readonly #taken: (bytes: number) => void;
  #writer: WritableStreamDefaultWriter<Bytes> | undefined;
  /** Data that came before the process; `null` is the end. */
  #early: (Bytes | null)[] = [];
  #heldBytes = 0;

  /** `taken` is called for each piece that the process has taken. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  /** Connects the process, which takes the data from now on. */
  attach(stdin: WritableStream<Bytes>): void {
    this.#writer = stdin.getWriter();
    for (const piece of this.#early) this.#write(piece);
    this.#early = [];
  }

  /** The process has ended. */
  detach(): void {
    // Fails if it failed before.
    this.#writer?.abort().catch(() => {});
  }

  /** Takes incoming data. @throws {ProtocolError} If it exceeds the window. */
  push(bytes: Bytes): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > STDIN_WINDOW_BYTES) {
      throw new ProtocolError("more stdin than the window allows");
    }
    this.#put(bytes);
  }

  /** Ends the data. */
  end(): void {
    this.#put(null);
  }

  #put(piece: Bytes | null): void {
    if (this.#writer === undefined) this.#early.push(piece);
    else this.#write(piece);
  }

  #write(piece: Bytes | null): void {
    const writer = this.#writer!;
    if (piece === null) {
      writer.close().catch(() => {}); // the process is gone, or has closed its stdin
      return;
    }
    writer.write(piece).then(
      () => {
        this.#heldBytes -= piece.length;
        this.#taken(piece.length);
      },
      () => {}, // likewise
    );
  }
}
