/**
 * A wire on which everything takes a while, for a kernel that cannot delay packets by itself: two virtual
 * network devices, and this process, which passes each packet on from one to the other when it is due.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";

/** The device from which virtual network devices are made. */
const TUN = "/dev/net/tun";

/** Of Linux, on every machine that Deno runs on. */
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const TUNSETIFF = 0x400454can;
const IFF_TAP_WITHOUT_HEADER = 0x1002;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;

/** How often the wire is looked at, which is how much later a packet may be. */
const EVERY_MS = 5;

/** More than any packet has: the devices have the usual limit of 1,500 bytes. */
const MAX_PACKET_BYTES = 2_048;

/** Packets on the way; more of them are dropped, as by any network. */
const MAX_PACKETS = 20_000;

const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

interface Packet {
  readonly to: number;
  readonly dueMs: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The two ends of a wire: network devices of these names, in the namespace of this process at first. */
export class SlowWire implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", SYMBOLS);
  readonly #devices: number[] = [];
  readonly #delayMs: number;
  readonly #buffer = new Uint8Array(MAX_PACKET_BYTES);
  #packets: Packet[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * Makes it. Packets pass once both devices are up.
   *
   * @param names Of its two ends.
   * @param delayMs How long a packet takes from one to the other.
   */
  constructor(names: readonly [string, string], delayMs: number) {
    this.#delayMs = delayMs;
    for (const name of names) this.#devices.push(this.#make(name));
    this.#timer = setInterval(() => this.#pass(), EVERY_MS);
  }

  /** Whether the system has what it needs. */
  static get isPossible(): boolean {
    try {
      return Deno.statSync(TUN).isCharDevice === true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Removes it, and both devices. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const device of this.#devices) this.#libc.symbols.close(device);
    this.#libc.close();
  }

  #make(name: string): number {
    const { open, ioctl } = this.#libc.symbols;
    const text = new TextEncoder();
    const device = open(text.encode(`${TUN}\0`), O_RDWR | O_NONBLOCK);
    assert(device >= 0, `Cannot open ${TUN}`);
    assert(name.length < NAME_BYTES, `Cannot make the device ${name}: its name is too long`);
    const request = new Uint8Array(REQUEST_BYTES);
    text.encodeInto(name, request);
    new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TAP_WITHOUT_HEADER, true);
    assert(ioctl(device, TUNSETIFF, request) === 0, `Cannot make the device ${name}`);
    return device;
  }

  /** Takes what has come, and passes on what is due. */
  #pass(): void {
    const { read, write } = this.#libc.symbols;
    const nowMs = performance.now();
    for (const [index, from] of this.#devices.entries()) {
      const to = this.#devices[1 - index]!;
      for (;;) {
        const count = Number(read(from, this.#buffer, BigInt(MAX_PACKET_BYTES)));
        if (count <= 0) break; // there is nothing, or it is not up yet
        if (this.#packets.length >= MAX_PACKETS) continue;
        const bytes = this.#buffer.slice(0, count);
        this.#packets.push({ to, dueMs: nowMs + this.#delayMs, bytes });
      }
    }
    const firstLater = this.#packets.findIndex(({ dueMs }) => dueMs > nowMs);
    const dueCount = firstLater < 0 ? this.#packets.length : firstLater;
    for (const { to, bytes } of this.#packets.splice(0, dueCount)) {
      write(to, bytes, BigInt(bytes.length)); // a device that is not up drops it
    }
  }
}
