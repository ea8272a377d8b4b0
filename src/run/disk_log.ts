/**
 * The log of a run on disk: a folder of files, of which the oldest is deleted when the size limit is
 * reached.
 */

import { MiB } from "../core/resources.ts";
import type { EventRecord } from "./event_record.ts";
import { recordBytes, writeRecord } from "./log_record.ts";
import { LogSegment, segmentFirst } from "./log_segment.ts";
import { MemoryLog } from "./memory_log.ts";
import type { LogPart, RunLog } from "./run_log.ts";

/** How a log is kept. */
export interface DiskLogOptions {
  /** The folder of this log alone. It is created if it does not exist. */
  readonly folder: string;
  /** The approximate size limit of all files together. @default 64 MiB */
  readonly maxBytes?: number;
  /** A new file is begun when the current one is larger than this. @default 4 MiB */
  readonly segmentBytes?: number;
  /** How many of the latest bytes are kept in memory, too, for viewers that keep up. @default 1 MiB */
  readonly cacheBytes?: number;
  /** How many bytes may wait to be written before appending waits. @default 4 MiB */
  readonly unwrittenBytes?: number;
  /** Called once if events can no longer be written. They are then kept in memory, within these limits. */
  readonly onFailure?: (error: Error) => void;
}

/** How much is written at once. */
const WRITE_BYTES = 1 * MiB;

/**
 * Keeps the events of a run in files, so that they outlive the process that wrote them.
 *
 * Events are appended in memory first, and written in the order in which they came; viewers that keep up
 * never read the disk. After a crash, `open` finds every event up to the last whole one. The oldest file is
 * deleted as a whole when the files exceed `maxBytes` and its events may be dropped.
 */
export class DiskLog implements RunLog {
  readonly #options: Required<DiskLogOptions>;
  /** In order. The last one is written to. */
  readonly #segments: LogSegment[];
  /** What is not written yet, and the latest of what is. */
  readonly #tail: MemoryLog;
  #file: Deno.FsFile | undefined;
  /** The offset of the event that is written next. */
  #written: number;
  #unwrittenBytes = 0;
  #released = 0;
  #writing: Promise<void> | undefined;
  #failed = false;
  #room = Promise.withResolvers<void>();

  private constructor(options: Required<DiskLogOptions>, segments: LogSegment[]) {
    this.#options = options;
    this.#segments = segments;
    this.#written = segments.at(-1)?.end ?? 0;
    this.#tail = new MemoryLog({ keepBytes: options.cacheBytes, start: this.#written });
  }

  /** Opens the log in a folder with its existing events, also those of a run that has crashed. */
  static async open(options: DiskLogOptions): Promise<DiskLog> {
    const { folder } = options;
    await Deno.mkdir(folder, { recursive: true });
    const firsts: number[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      const first = segmentFirst(name);
      if (first !== undefined) firsts.push(first);
    }
    firsts.sort((one, other) => one - other);
    const segments: LogSegment[] = [];
    for (const [at, first] of firsts.entries()) {
      const segment = new LogSegment(folder, first);
      await segment.recover();
      segments.push(segment);
      // Events after a gap are useless: it is unknown what is missing.
      if (at + 1 < firsts.length && segment.end !== firsts[at + 1]) break;
    }
    for (const first of firsts.slice(segments.length)) {
      await Deno.remove(new LogSegment(folder, first).path);
    }
    return new DiskLog({
      maxBytes: 64 * MiB,
      segmentBytes: 4 * MiB,
      cacheBytes: 1 * MiB,
      unwrittenBytes: 4 * MiB,
      onFailure: () => {},
      ...options,
    }, segments);
  }

  get start(): number {
    return this.#segments[0]?.first ?? this.#tail.start;
  }

  get end(): number {
    return this.#tail.end;
  }

  append(record: EventRecord): Promise<void> | undefined {
    this.#tail.append(record);
    if (this.#failed) {
      this.#tail.release(this.#released);
      return undefined;
    }
    this.#unwrittenBytes += record.size;
    this.#writing ??= this.#write();
    return this.#unwrittenBytes > this.#options.unwrittenBytes ? this.#room.promise : undefined;
  }

  read(offset: number, maxBytes: number): LogPart | Promise<LogPart> {
    if (offset >= this.#tail.start || this.#segments.length === 0) {
      return this.#tail.read(offset, maxBytes);
    }
    return this.#readDisk(Math.max(offset, this.start), maxBytes);
  }

  bytesFrom(offset: number): number {
    if (offset >= this.#tail.start) return this.#tail.bytesFrom(offset);
    const files = this.#segments.filter(({ end }) => end > offset);
    const written = files.reduce((sum, { bytes }) => sum + bytes, 0);
    return written + this.#tail.bytesFrom(this.#written);
  }

  release(offset: number): void {
    this.#released = Math.max(this.#released, offset);
  }

  async close(): Promise<void> {
    await this.#writing;
    const file = this.#file;
    this.#file = undefined;
    if (!this.#failed) await file?.syncData();
    file?.close();
  }

  async #readDisk(from: number, maxBytes: number): Promise<LogPart> {
    const segment = this.#segments.find(({ end }) => end > from);
    // What came after it could not be written, and is gone: memory begins later.
    if (segment === undefined) return this.#tail.read(from, maxBytes);
    try {
      return { from, records: await segment.read(from, maxBytes) };
    } catch (error) {
      // It has been deleted meanwhile, as the oldest file: the remaining ones begin later.
      if (!(error instanceof Deno.errors.NotFound) || from >= this.start) throw error;
      return await this.read(from, maxBytes);
    }
  }

  /** Writes until all is written. Never rejects. */
  async #write(): Promise<void> {
    try {
      while (this.#written < this.#tail.end) {
        const bytes = Math.min(WRITE_BYTES, this.#options.segmentBytes);
        const { records } = this.#tail.read(this.#written, bytes);
        await this.#writeRecords(records);
        await this.#dropOldest();
        this.#unwrittenBytes -= records.reduce((sum, { size }) => sum + size, 0);
        this.#room.resolve();
        this.#room = Promise.withResolvers();
      }
    } catch (cause) {
      this.#failed = true;
      this.#room.resolve();
      const message = `Cannot write the log ${this.#options.folder}: ${String(cause)}`;
      this.#options.onFailure(new Error(message, { cause }));
    }
    this.#writing = undefined;
  }

  async #writeRecords(records: readonly EventRecord[]): Promise<void> {
    const segment = await this.#segment();
    const size = records.reduce((sum, { body }) => sum + recordBytes(body.length), 0);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const [index, { body }] of records.entries()) {
      segment.note(this.#written + index, segment.bytes + at);
      at = writeRecord(body, bytes, at);
    }
    for (let written = 0; written < size;) {
      written += await this.#file!.write(bytes.subarray(written));
    }
    segment.bytes += size;
    segment.end += records.length;
    this.#written += records.length;
    this.#tail.release(this.#written);
  }

  /** The file to write to: the next one, if the present one is full. */
  async #segment(): Promise<LogSegment> {
    const last = this.#segments.at(-1);
    const isFull = last !== undefined && last.bytes >= this.#options.segmentBytes;
    if (last !== undefined && !isFull) {
      this.#file ??= await Deno.open(last.path, { append: true });
      return last;
    }
    await this.#file?.syncData();
    this.#file?.close();
    this.#file = undefined;
    const segment = new LogSegment(this.#options.folder, this.#written);
    this.#file = await Deno.open(segment.path, { append: true, createNew: true });
    this.#segments.push(segment);
    return segment;
  }

  async #dropOldest(): Promise<void> {
    let bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    while (this.#segments.length > 1 && bytes > this.#options.maxBytes) {
      const [oldest] = this.#segments;
      if (oldest!.end > this.#released) return;
      this.#segments.shift();
      bytes -= oldest!.bytes;
      await Deno.remove(oldest!.path);
    }
  }
}
