/** One file of a log on disk: some events that follow each other. */

import { EventRecord } from "./event_record.ts";
import { type ReadRecord, readRecord } from "./log_record.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The distance between remembered positions of a file. */
const INDEX_BYTES = 64 * 1024;

/** The minimum that is read at once. */
const READ_BYTES = 64 * 1024;

const SUFFIX = ".events";

/** A name that sorts like the offset. */
export function segmentName(first: number): string {
  return `${String(first).padStart(16, "0")}${SUFFIX}`;
}

/** The offset that a file of such a name begins with; `undefined` of another name. */
export function segmentFirst(name: string): number | undefined {
  const match = /^(\d{16})\.events$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export class LogSegment {
  readonly path: string;
  /** The offset of its first event. */
  readonly first: number;
  /** The offset after that of its last event. */
  end: number;
  /** The size of the file. */
  bytes = 0;
  /** The positions of some of its events, at some distance from each other. */
  readonly #places: { readonly offset: number; readonly at: number }[];

  constructor(folder: string, first: number) {
    this.path = `${folder}/${segmentName(first)}`;
    this.first = this.end = first;
    this.#places = [{ offset: first, at: 0 }];
  }

  /** The event at `offset` begins in the file at `at`. */
  note(offset: number, at: number): void {
    const last = this.#places.at(-1)!;
    if (offset > last.offset && at >= last.at + INDEX_BYTES) this.#places.push({ offset, at });
  }

  /**
   * Reads a file that a crash may have cut off: everything up to the last whole event counts, and the file
   * is truncated to that.
   */
  async recover(): Promise<void> {
    const { size } = await Deno.stat(this.path);
    using file = await Deno.open(this.path);
    let at = 0;
    let offset = this.first;
    for await (const record of records(file, 0, size)) {
      if (record.kind !== "record") break;
      this.note(offset++, at);
      at = record.end;
    }
    this.end = offset;
    this.bytes = at;
    if (at < size) await Deno.truncate(this.path, at);
  }

  /** The events from `offset` on: one at least, and about `maxBytes` of them. */
  async read(offset: number, maxBytes: number): Promise<EventRecord[]> {
    let { offset: each, at } = this.#places[0]!;
    for (const place of this.#places) if (place.offset <= offset) ({ offset: each, at } = place);
    using file = await Deno.open(this.path);
    const found: EventRecord[] = [];
    let bytes = 0;
    for await (const record of records(file, at, this.bytes)) {
      if (record.kind !== "record") {
        throw new Error(`Cannot read ${this.path}: event ${each} is damaged`);
      }
      this.note(each, at);
      at = record.end;
      if (each++ < offset) continue;
      bytes += record.body.length;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(EventRecord.from(record.body));
    }
    return found;
  }
}

/** The records of a file between two positions, with their ends in the file; an invalid record ends it. */
async function* records(file: Deno.FsFile, from: number, to: number): AsyncGenerator<ReadRecord> {
  let wanted = READ_BYTES;
  for (let at = from; at < to;) {
    const length = Math.min(wanted, to - at);
    const chunk = await readAt(file, at, length);
    wanted = READ_BYTES;
    let within = 0;
    while (within < chunk.length) {
      const record = readRecord(chunk, within);
      if (record.kind === "cut" && at + record.end <= to && chunk.length === length) {
        wanted = Math.max(READ_BYTES, record.end - within);
        break;
      }
      if (record.kind !== "record") return yield record;
      within = record.end;
      yield { ...record, end: at + within };
    }
    if (chunk.length < length) return;
    at += within;
  }
}

async function readAt(file: Deno.FsFile, at: number, length: number): Promise<Bytes> {
  await file.seek(at, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}
