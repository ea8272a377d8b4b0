/** The stdin of a terminal, from which single keys may be taken: the rest is for the program. */

import { KiB } from "../core/resources.ts";
import type { InputSource } from "./input.ts";

/** The size of one read. */
const READ_BYTES = 64 * KiB;

/** A terminal that can be read key by key, such as `Deno.stdin`. */
export interface KeySource extends InputSource {
  setRaw(mode: boolean, options?: { cbreak: boolean }): void;
}

/**
 * Reads a source for two readers: one that wants all of it, and, at times, one that wants the next key. A key
 * that is taken is not read by the other.
 */
export class KeyInput implements InputSource {
  readonly #source: KeySource;
  #filling: Promise<void> | undefined;
  /** What has been read, and is not taken yet. */
  #chunks: Uint8Array[] = [];
  #ended = false;
  #takeKey: ((key: string | undefined) => void) | undefined;

  constructor(source: KeySource) {
    this.#source = source;
  }

  isTerminal(): boolean {
    return this.#source.isTerminal();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#ended) return null;
      await this.#fill();
    }
    const chunk = this.#chunks[0]!;
    const part = chunk.subarray(0, buffer.length);
    buffer.set(part);
    if (part.length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(part.length);
    return part.length;
  }

  /**
   * The next key that is pressed, within that time; `undefined` if there is none. Keys that were pressed
   * before do not count.
   */
  async key(limitMs: number): Promise<string | undefined> {
    if (this.#ended) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#takeKey = resolve;
    const timer = setTimeout(() => resolve(undefined), limitMs);
    const restore = (): void => this.#source.setRaw(false);
    // This process may end meanwhile, and the terminal outlives it.
    globalThis.addEventListener("unload", restore);
    // A terminal usually hands over whole lines.
    this.#source.setRaw(true, { cbreak: true });
    try {
      void this.#fill();
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#takeKey = undefined;
      restore();
      globalThis.removeEventListener("unload", restore);
    }
  }

  /** Reads some; what both readers wait for is read once. Never rejects. */
  #fill(): Promise<void> {
    return this.#filling ??= this.#read().finally(() => this.#filling = undefined);
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    let count: number | null;
    try {
      count = await this.#source.read(buffer);
    } catch {
      count = null; // a terminal that was closed
    }
    this.#ended = count === null;
    let bytes = buffer.slice(0, count ?? 0);
    if (this.#takeKey !== undefined) {
      this.#takeKey(bytes.length === 0 ? undefined : String.fromCharCode(bytes[0]!));
      this.#takeKey = undefined;
      bytes = bytes.subarray(1);
    }
    if (bytes.length > 0) this.#chunks.push(bytes);
  }
}
