/** Writes segments to the real stdout and stderr: completely, in order, with backpressure. */

import type { OutputFd } from "../core/events.ts";
import type { Segment } from "./segment.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The delay before writing again to a full stream that cannot be awaited. */
const RETRY_MS = 5;

/** Writes bytes like `Deno.stdout`: possibly only the first ones; resolves with the number written. */
export interface ByteTarget {
  write(bytes: Bytes): Promise<number>;
}

/** The streams of a {@linkcode Screen}. */
export interface ScreenOptions {
  /** @default Deno.stdout */
  readonly stdout?: ByteTarget;
  /** @default Deno.stderr */
  readonly stderr?: ByteTarget;
}

/**
 * The terminal's two output streams.
 *
 * Writes are asynchronous, because a reader that stalls must not block the event loop: control
 * messages and signals go through it. Each stream has one write in progress at a time; what is added
 * during it is written together by the next.
 */
export class Screen {
  readonly #streams: Record<OutputFd, OrderedWriter>;

  constructor(options: ScreenOptions = {}) {
    this.#streams = {
      1: new OrderedWriter(options.stdout ?? Deno.stdout),
      2: new OrderedWriter(options.stderr ?? Deno.stderr),
    };
  }

  /** Resolves when stdout is found to have lost its reader, as in `main.ts | head -1`. */
  get stdoutGone(): Promise<void> {
    return this.#streams[1].gone;
  }

  /**
   * Writes `segments` after all those of earlier calls, resolved or not; resolves when they are written.
   *
   * Bytes for a stream without a reader are dropped.
   *
   * @throws If a stream fails for another reason, such as a full disk; the next call tries again.
   */
  async write(segments: readonly Segment[]): Promise<void> {
    await Promise.all(segments.map(({ fd, bytes }) => this.#streams[fd].write(bytes)));
  }
}

/** One stream: keeps the order of calls, with one write in progress at a time. */
class OrderedWriter {
  readonly #target: ByteTarget;
  readonly #gone = Promise.withResolvers<void>();
  #isGone = false;
  #writing = false;
  /** The bytes of the next write, and the promise shared by its callers. */
  #next: { parts: Bytes[]; done: PromiseWithResolvers<void> } | undefined;

  constructor(target: ByteTarget) {
    this.#target = target;
  }

  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  write(bytes: Bytes): Promise<void> {
    this.#next ??= { parts: [], done: Promise.withResolvers<void>() };
    this.#next.parts.push(bytes);
    const { promise } = this.#next.done;
    if (!this.#writing) this.#drain();
    return promise;
  }

  /** Writes until the queue is empty. Never rejects: failures go to the promises of the callers. */
  async #drain(): Promise<void> {
    this.#writing = true;
    while (this.#next !== undefined) {
      const { parts, done } = this.#next;
      this.#next = undefined;
      try {
        await this.#writeAll(concat(parts));
        done.resolve();
      } catch (error) {
        done.reject(error);
      }
    }
    this.#writing = false;
  }

  async #writeAll(bytes: Bytes): Promise<void> {
    for (let written = 0; written < bytes.length && !this.#isGone;) {
      try {
        const count = await this.#target.write(bytes.subarray(written));
        if (count === 0) throw new Error("Cannot write output: the stream takes no more bytes");
        written += count;
      } catch (error) {
        if (error instanceof Deno.errors.BrokenPipe) {
          this.#isGone = true;
          this.#gone.resolve();
        } else if (error instanceof Deno.errors.WouldBlock) {
          // Another program that shares the stream made it non-blocking.
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        } else {
          throw error;
        }
      }
    }
  }
}

function concat(parts: readonly Bytes[]): Bytes {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

/**
 * Whether this program's stdout and stderr are the same terminal, pipe or file.
 *
 * The check needs all permissions. With fewer, two terminals count as the same one, and everything else as
 * different places.
 */
export function sameTarget(): boolean {
  try {
    const [out, err] = [1, 2].map((fd) => Deno.statSync(`/dev/fd/${fd}`));
    return out?.dev === err?.dev && out?.ino === err?.ino && out?.rdev === err?.rdev;
  } catch (error) {
    const expected = [Deno.errors.NotCapable, Deno.errors.PermissionDenied, Deno.errors.NotFound];
    if (!expected.some((type) => error instanceof type)) throw error;
    return Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
  }
}
