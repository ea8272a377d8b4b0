/** Forwards stdin from a bridge to the first process of a run. */

import type { StartTimer } from "../core/timer.ts";
import { ProtocolError } from "../core/errors.ts";
import { STDIN_WINDOW_BYTES } from "../wire/run_messages.ts";

import { StdinDemand } from "./stdin_demand.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a feed reports. */
export interface StdinFeedOptions {
  /** Called for each piece that the process has taken. */
  readonly taken: (bytes: number) => void;
  /** Called when the process asks for more; with `always`, once for all that there will be. */
  readonly wanted: (always: boolean) => void;
  readonly startTimer: StartTimer;
}

/**
 * Keeps incoming data, in order, until there is a process that takes it.
 *
 * It never holds more than a window of unacknowledged data. Once the process takes nothing more, nothing
 * more is acknowledged, and so nothing more comes.
 */
export class StdinFeed {
  readonly #options: StdinFeedOptions;
  #demand: StdinDemand | undefined;
  #writer: WritableStreamDefaultWriter<Bytes> | undefined;
  /** Data that came before the process; `null` is the end. */
  #early: (Bytes | null)[] = [];
  #heldBytes = 0;

  constructor(options: StdinFeedOptions) {
    this.#options = options;
  }

  /**
   * Connects the process, which takes the data from now on.
   *
   * @param isReading Whether it waits for its stdin; `undefined` if that cannot be known.
   */
  attach(stdin: WritableStream<Bytes>, isReading: () => boolean | undefined): void {
    this.#writer = stdin.getWriter();
    const { wanted, startTimer } = this.#options;
    this.#demand = new StdinDemand({ isReading, wanted, startTimer });
    for (const piece of this.#early) this.#write(piece);
    this.#early = [];
  }

  /** The process has ended. */
  detach(): void {
    this.#demand?.end();
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
      this.#demand?.end();
      writer.close().catch(() => {}); // the process is gone, or has closed its stdin
      return;
    }
    this.#demand?.given(piece.length);
    writer.write(piece).then(
      () => {
        this.#heldBytes -= piece.length;
        this.#options.taken(piece.length);
        this.#demand?.taken(piece.length);
      },
      () => {}, // likewise
    );
  }
}
