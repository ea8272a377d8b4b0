/** Turns of the event loop between calls that are run one after the other. */

/** After so long, what the calls before have sent is to leave, whatever the next one does. */
const SEND_EVERY_MS = 0.25;

/**
 * A process that runs many short calls neither writes nor reads meanwhile, which makes them fast. It takes
 * a turn of the event loop when it has done so for a while: a cheap one that writes what was sent (5 µs), or,
 * where a call took long, one that also reads what has come (1 to 2 ms).
 */
export class Turns implements Disposable {
  #last = 0;
  #ports: MessageChannel | undefined;
  #onTurn: (() => void)[] = [];

  /** A first call begins. */
  begin(): void {
    this.#last = performance.now();
  }

  /** Whether it is time for a turn. */
  due(now: number): boolean {
    return now - this.#last >= SEND_EVERY_MS;
  }

  /** A turn in which what was sent is written. */
  async toSend(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onTurn.push(resolve);
      this.#channel.port2.postMessage(null);
    });
    this.begin();
  }

  /** A turn in which what has come is read, too: those of message ports do not poll sockets. */
  async toHear(): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve));
    this.begin();
  }

  [Symbol.dispose](): void {
    this.#ports?.port1.close();
    this.#ports?.port2.close();
  }

  get #channel(): MessageChannel {
    if (this.#ports === undefined) {
      this.#ports = new MessageChannel();
      this.#ports.port1.onmessage = () => this.#onTurn.shift()?.();
    }
    return this.#ports;
  }
}
