/** Reassembles UTF-8 characters that were split by a read. */

import type { OutputFd } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const NOTHING: Bytes = new Uint8Array(0);

/** The longest character of UTF-8 has 4 bytes, so an incomplete one has at most 3. */
const MAX_CUT_BYTES = 3;

/**
 * Holds back incomplete characters at the ends of reads, for each stream of each process, or what else is
 * not to be cut.
 *
 * Only the valid beginning of a character is held back, at most 3 bytes a stream; other
 * bytes pass at once and unchanged, valid UTF-8 or not.
 */
export class CutCharacters {
  readonly #held = new Map<string, Bytes>();
  readonly #cutLength: (bytes: Bytes) => number;

  /** @param cut The length of what is incomplete at the end of bytes. */
  constructor(cut: (bytes: Bytes) => number = cutLength) {
    this.#cutLength = cut;
  }

  /** Takes a read; returns the bytes to show: those held back and `bytes`, without a new incomplete end. */
  join(pid: Pid, fd: OutputFd, bytes: Bytes): Bytes {
    if (bytes.length === 0) return bytes;
    const before = this.rest(pid, fd);
    const whole = before.length === 0 ? bytes : concat(before, bytes);
    const cut = this.#cutLength(whole);
    if (cut === 0) return whole;
    // A copy, so that a few bytes do not keep the whole read in memory.
    this.#held.set(key(pid, fd), whole.slice(whole.length - cut));
    return whole.subarray(0, whole.length - cut);
  }

  /** Returns and removes the bytes held back of a stream that has ended. */
  rest(pid: Pid, fd: OutputFd): Bytes {
    // Usually nothing is held back, and no key is made.
    if (this.#held.size === 0) return NOTHING;
    const held = this.#held.get(key(pid, fd));
    if (held === undefined) return NOTHING;
    this.#held.delete(key(pid, fd));
    return held;
  }
}

function key(pid: Pid, fd: OutputFd): string {
  return `${fd} ${pid}`;
}

function concat(first: Bytes, second: Bytes): Bytes {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The length of the incomplete character at the end of `bytes`. */
export function cutLength(bytes: Uint8Array): number {
  for (let length = 1; length <= MAX_CUT_BYTES && length <= bytes.length; length++) {
    const lead = bytes[bytes.length - length] ?? 0;
    if (isContinuation(lead)) continue;
    if (characterLength(lead) <= length) return 0;
    const second = bytes[bytes.length - length + 1];
    return second === undefined || maySecond(lead, second) ? length : 0;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return byte >= 0x80 && byte <= 0xbf;
}

/** The length of a character that begins with `lead`; 0 if none does. */
function characterLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

/** Whether the continuation byte `second` may follow `lead` in valid UTF-8. */
function maySecond(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0; // shorter forms exist
  if (lead === 0xed) return second <= 0x9f; // surrogates
  if (lead === 0xf0) return second >= 0x90; // shorter forms exist
  if (lead === 0xf4) return second <= 0x8f; // beyond U+10FFFF
  return true;
}
