/** The channels from one process to another, with only the two streams in between. */

import { FrameReader } from "../../src/channel/frame_reader.ts";
import { Hold } from "../../src/channel/hold.ts";
import { InChannels } from "../../src/channel/in_channels.ts";
import { OutChannels } from "../../src/channel/out_channels.ts";
import { Outbox } from "../../src/channel/outbox.ts";
import { Unclaimed } from "../../src/channel/unclaimed.ts";
import { FrameType } from "../../src/wire/frame.ts";

/** Answers of the receiving side that the sending side has not received yet. */
type Answer =
  | { readonly type: "accept"; readonly number: number }
  | { readonly type: "stop"; readonly number: number; readonly reason: number }
  | { readonly type: "credit"; readonly number: number; readonly count: number };

export class ChannelsPair {
  readonly outbox = new Outbox();
  readonly hold = new Hold({ ref() {}, unref() {} });
  readonly sending = new OutChannels(
    this.outbox,
    this.hold,
    () => this.kicks++,
    () => new Error("crowded"),
  );
  readonly unclaimed = new Unclaimed<string>();
  readonly receiving = new InChannels("a peer", this.unclaimed, {
    accept: (number) => this.answers.push({ type: "accept", number }),
    stop: (number, reason) => this.answers.push({ type: "stop", number, reason }),
    credit: (number, count) => this.answers.push({ type: "credit", number, count }),
  });
  /** How often the sender reported that it has something to write. */
  kicks = 0;
  readonly answers: Answer[] = [];
  /** How often the sender asked for an answer. */
  asked = 0;
  readonly #reader = new FrameReader({
    value: (bytes, start, end) => this.receiving.current.value(bytes, start, end),
    begin: (layout) => this.receiving.current.begin(layout),
    pieceTarget: (filled, left) => this.receiving.current.pieceTarget(filled, left),
    piece: (filled, whole) => this.receiving.current.piece(filled, whole),
    control: (type, view, position, length) => {
      const number = () => view.getUint32(position, true);
      if (type === FrameType.cancel) this.receiving.current.cancel();
      else if (type === FrameType.end) this.receiving.finish({ kind: "closed" });
      else if (type === FrameType.abort) this.receiving.finish({ kind: "aborted", reason: length });
      else if (type === FrameType.channel) this.receiving.select(number());
      else if (type === FrameType.open) {
        const name = new Uint8Array(view.buffer, position + 4, length - 4);
        this.receiving.open(number(), new TextDecoder().decode(name));
      } else if (type === FrameType.ask) this.asked++;
      else throw new Error(`a frame of type ${type}`);
    },
  }, 0);

  /** Moves up to so many bytes to the receiver; returns whether there were any. */
  forth(atMost: number): boolean {
    this.sending.addPiece();
    const bytes = this.outbox.next();
    if (bytes === undefined) return false;
    const target = this.#reader.target();
    const count = Math.min(atMost, bytes.length, target.length);
    target.set(bytes.subarray(0, count));
    this.outbox.wrote(count);
    this.#reader.advance(count);
    this.outbox.ack(this.#reader.offset);
    return true;
  }

  /** Moves one answer to the sender; returns whether there was one. */
  back(): boolean {
    const answer = this.answers.shift();
    if (answer === undefined) return false;
    const { number } = answer;
    if (answer.type === "accept") this.sending.accept(number);
    else if (answer.type === "credit") this.sending.credit(number, answer.count);
    else this.sending.stop(number, answer.reason, (reason) => new Error(`stopped: ${reason}`));
    return true;
  }

  settle(): void {
    while (this.forth(Infinity) || this.back());
  }
}
