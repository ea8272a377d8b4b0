/** Routes each frame of a peer's stream by its meaning. */

import { decode } from "../codec/value_decoder.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { FrameType, type Layout } from "../wire/frame.ts";
import type { Acknowledger } from "./acknowledger.ts";
import type { FrameHandler } from "./frame_reader.ts";
import type { Incoming } from "./in_channels.ts";
import type { OutChannels } from "./out_channels.ts";
import type { Outbox } from "./outbox.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The targets of frames. */
export interface FrameTargets {
  /** The channels of this stream's direction. */
  readonly incoming: Incoming;
  /** Those of the other one. */
  readonly sending: OutChannels;
  readonly outbox: Outbox;
  readonly acknowledger: Acknowledger;
  /** The error for a channel on which nothing more is accepted. */
  stopError(reason: number): Error;
  /** More sent data is acknowledged. */
  acked(): void;
  /** An acknowledgement, now due, has to be written at once. */
  asked(): void;
  /** The other side has said whether it needs the connection. */
  idle(isIdle: boolean): void;
  /** The other process ends by itself, with that exit code. */
  bye(code: number): void;
}

export class FrameRouter implements FrameHandler {
  readonly #incoming: Incoming;
  readonly #acknowledger: Acknowledger;
  readonly #targets: FrameTargets;

  constructor(targets: FrameTargets) {
    this.#targets = targets;
    this.#incoming = targets.incoming;
    this.#acknowledger = targets.acknowledger;
  }

  value(bytes: Bytes, start: number, end: number): boolean {
    this.#acknowledger.owe();
    return this.#incoming.current.value(bytes, start, end);
  }

  begin(layout: Layout): void {
    this.#incoming.current.begin(layout);
  }

  pieceTarget(filled: number, left: number): Bytes {
    return this.#incoming.current.pieceTarget(filled, left);
  }

  piece(filled: number, whole: boolean): void {
    if (whole) this.#acknowledger.owe();
    this.#incoming.current.piece(filled, whole);
  }

  control(type: FrameType, view: DataView<ArrayBuffer>, position: number, length: number): void {
    const { sending, outbox } = this.#targets;
    const first = () => view.getUint32(position, true);
    const second = () => view.getUint32(position + 4, true);
    switch (type) {
      case FrameType.cancel:
        this.#acknowledger.owe();
        return this.#incoming.current.cancel();
      case FrameType.end:
        this.#acknowledger.owe();
        return this.#incoming.finish({ kind: "closed" });
      case FrameType.abort: {
        this.#acknowledger.owe();
        const reason = decode(new Uint8Array(view.buffer), position, position + length);
        return this.#incoming.finish({ kind: "aborted", reason });
      }
      case FrameType.channel:
        return this.#incoming.select(first());
      case FrameType.open:
        return this.#incoming.open(first(), decodeName(view, position + 4, length - 4));
      case FrameType.accept:
        return sending.accept(first());
      case FrameType.stop:
        return sending.stop(first(), second(), (reason) => this.#targets.stopError(reason));
      case FrameType.credit:
        return sending.credit(first(), second());
      case FrameType.ack:
        outbox.ack(view.getFloat64(position, true));
        return this.#targets.acked();
      case FrameType.ask:
        this.#acknowledger.owe();
        return this.#targets.asked();
      case FrameType.idle:
      case FrameType.busy:
        return this.#targets.idle(type === FrameType.idle);
      case FrameType.bye:
        return this.#targets.bye(first());
    }
  }
}

function decodeName(view: DataView<ArrayBuffer>, position: number, length: number): string {
  try {
    const bytes = new Uint8Array(view.buffer, position, length);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProtocolError("a channel name that is not UTF-8", { cause });
  }
}
