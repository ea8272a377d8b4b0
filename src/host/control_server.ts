/** Where the processes of a node connect to, and show that they are the ones it started. */

import { formatAddress, randomId } from "../core/pid.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import { ControlLink } from "./control_link.ts";

/** A process that has said hello. */
export interface Arrival {
  readonly link: ControlLink;
  /** Its further messages. */
  readonly messages: ReturnType<ControlLink["messages"]>;
  /** The port that it listens on for other processes. */
  readonly port: number;
  /** What the program says that its first process needs. */
  readonly needs: Readonly<Resources>;
}

/** A process that has been, or is about to be, started. */
export interface Expected {
  /** What it has to show. It is good for one connection. */
  readonly token: string;
  /** Resolves when the process has connected and shown the token. */
  readonly arrival: Promise<Arrival>;
  /** Waits no longer: a token that has not been shown is void. */
  cancel(): void;
}

/** How long a connection may take to show a token. */
const HELLO_MS = 5_000;

/** How many connections may be about to do so; processes of a large program boot at once. */
const MAX_STRANGERS = 4096;

/** How long to wait when no connection can be accepted, since too many files are open. */
const ACCEPT_RETRY_MS = 50;

const encoder = new TextEncoder();

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function equalSecret(left: string, right: string): boolean {
  const [a, b] = [encoder.encode(left), encoder.encode(right)];
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

/** Listens on a port of its own for the control links of processes that it is told to expect. */
export class ControlServer {
  /** `host:port`, for the processes. */
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  readonly #logger: Logger;
  readonly #expected = new Map<string, (arrival: Arrival) => void>();
  readonly #strangers = new Set<ControlLink>();
  #closed = false;

  constructor(options: { hostname: string; logger: Logger }) {
    this.#logger = options.logger;
    this.#listener = Deno.listen({ hostname: options.hostname, port: 0 });
    this.address = formatAddress(options.hostname, this.#listener.addr.port);
    void this.#accept();
  }

  /** Makes a token for one process, and waits for it. */
  expect(): Expected {
    const token = randomId();
    const { promise, resolve } = Promise.withResolvers<Arrival>();
    this.#expected.set(token, resolve);
    return { token, arrival: promise, cancel: () => void this.#expected.delete(token) };
  }

  /** Accepts no more. Links that were handed out stay open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    this.#expected.clear();
    for (const link of this.#strangers) link.close();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const conn = await this.#listener.accept();
        void this.#greet(new ControlLink(conn));
      } catch (error) {
        if (this.#closed) return;
        this.#logger.error(`Cannot accept a process's connection: ${(error as Error).message}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
      }
    }
  }

  /** Hands the link to whoever expects it, or closes it. */
  async #greet(link: ControlLink): Promise<void> {
    if (this.#strangers.size >= MAX_STRANGERS) return link.close();
    this.#strangers.add(link);
    const timer = setTimeout(() => link.close(), HELLO_MS);
    try {
      const messages = link.messages();
      const { value: hello } = await messages.next();
      if (hello === undefined) return link.close();
      if (hello.type !== "hello") throw new ProtocolError(`"${hello.type}" before "hello"`);
      const expecting = this.#claim(hello.token);
      if (expecting === undefined) throw new ProtocolError("its token is not one of this run");
      link.trust();
      const { port, mem, cpu } = hello;
      expecting({ link, messages, port, needs: { mem, cpu } });
    } catch (error) {
      link.close();
      if (!(error instanceof ProtocolError)) throw error;
      this.#logger.warn(`Dropped a connection to ${this.address}: ${error.message}`);
    } finally {
      clearTimeout(timer);
      this.#strangers.delete(link);
    }
  }

  #claim(shown: string): ((arrival: Arrival) => void) | undefined {
    let claimed: string | undefined;
    // All are compared, so that the time taken does not tell which comes close.
    for (const token of this.#expected.keys()) if (equalSecret(token, shown)) claimed = token;
    if (claimed === undefined) return undefined;
    const expecting = this.#expected.get(claimed);
    this.#expected.delete(claimed);
    return expecting;
  }
}
