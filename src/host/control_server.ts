/** The listener that the processes of a node connect to and authenticate at. */

import { formatAddress, randomId } from "../core/pid.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { ProtocolError } from "../core/errors.ts";
import { Admission } from "../net/admission.ts";
import { type Endpoint, listen, type TransportListener } from "../net/transport.ts";
import { ControlLink } from "./control_link.ts";
import { listenAtOnce } from "./socket_folder.ts";

/** A process that has said hello. */
export interface Arrival {
  readonly link: ControlLink;
  /** Its further messages. */
  readonly messages: ReturnType<ControlLink["messages"]>;
  /** The TCP port that it listens on for other processes; `NO_PORT` if it has only a Unix socket. */
  readonly port: number;
  /** The resources that the program requests for its first process. */
  readonly needs: Readonly<Resources>;
}

/** A process that has been, or is about to be, started. */
export interface Expected {
  /** The token it has to present. It is valid for one connection. */
  readonly token: string;
  /** Resolves when the process has connected and presented the token. */
  readonly arrival: Promise<Arrival>;
  /** Waits no longer: the token becomes invalid, and the link is closed that has come, or is just coming. */
  drop(): void;
}

/** How long a connection may take to present a token. */
const HELLO_MS = 5_000;

/**
 * The same for a Unix socket, which only processes of this user reach: what connects there is a process that
 * boots, which takes long while many others do.
 */
const OWN_HELLO_MS = 60_000;

/** How many unauthenticated connections there may be from this host; processes of a large program boot at once. */
const MAX_UNAUTHENTICATED = 2048;

/**
 * How many there may be on a Unix socket besides those of processes that boot. Programs of this user, or of the one that
 * they run as, can have opened them, each on the sockets of all runs.
 */
const MAX_OTHERS = 64;

const encoder = new TextEncoder();

/** Whether two strings are equal, compared in constant time. */
export function equalSecret(left: string, right: string): boolean {
  const [a, b] = [encoder.encode(left), encoder.encode(right)];
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  return difference === 0;
}

type Conn = Deno.TcpConn | Deno.UnixConn;

function listenAt(at: Endpoint): { listener: TransportListener; address: string } {
  if ("path" in at) {
    return { listener: listenAtOnce(at.path), address: at.path };
  }
  const listener = listen(at);
  return { listener, address: formatAddress(listener.addr.hostname, listener.addr.port) };
}

/** Listens for the control links of expected processes. */
export class ControlServer {
  /** For the processes: the path of its Unix socket, or `host:port`. */
  readonly address: string;
  readonly #admission: Admission<Conn, () => void>;
  readonly #expected = new Map<string, (arrival: Arrival) => void>();

  /** @throws {Error} If it cannot listen at that place. */
  constructor(
    options: {
      at: Endpoint;
      logger: Logger;
      /** Called each time that a connection cannot be accepted, usually because too many files are open. */
      refused?: () => void;
    },
  ) {
    const { listener, address } = listenAt(options.at);
    this.address = address;
    const isOwn = "path" in options.at;
    const ownPlaces = (): number => MAX_OTHERS + this.#expected.size;
    this.#admission = new Admission<Conn, () => void>({
      listener,
      max: isOwn ? ownPlaces : MAX_UNAUTHENTICATED,
      maxOfHost: Infinity, // all are of this one
      timeoutMs: isOwn ? OWN_HELLO_MS : HELLO_MS,
      authenticate: (conn) => this.#authenticate(conn),
      take: (_conn, arrive) => arrive(),
      refused: options.refused,
      log: ({ host, line }) => options.logger.about(host, `control link: ${line}`),
    });
  }

  /** Makes a token for one process, and waits for it. */
  expect(): Expected {
    const token = randomId();
    const { promise, resolve } = Promise.withResolvers<Arrival>();
    this.#expected.set(token, resolve);
    const drop = (): void => {
      this.#expected.delete(token);
      void promise.then(({ link }) => link.close());
    };
    return { token, arrival: promise, drop };
  }

  /** Accepts no more. Established links stay open. Resolves when no connection is being authenticated. */
  async close(): Promise<void> {
    this.#expected.clear();
    await this.#admission.close();
  }

  /** Reads the first message, which has to contain a token; returns the function that delivers the link. */
  async #authenticate(conn: Conn): Promise<() => void> {
    const link = new ControlLink(conn);
    const messages = link.messages();
    const { value: hello } = await messages.next();
    if (hello === undefined) throw new Deno.errors.UnexpectedEof("it closed the connection");
    if (hello.type !== "hello") {
      throw new ProtocolError(`the first message is "${hello.type}", not "hello"`);
    }
    const expecting = this.#claim(hello.token);
    if (expecting === undefined) throw new ProtocolError("its token does not belong to this run");
    link.trust();
    const { port, resources: needs } = hello;
    return () => expecting({ link, messages, port, needs });
  }

  #claim(shown: string): ((arrival: Arrival) => void) | undefined {
    let claimed: string | undefined;
    // All are compared, so that the time does not reveal which one nearly matched.
    for (const token of this.#expected.keys()) if (equalSecret(token, shown)) claimed = token;
    if (claimed === undefined) return undefined;
    const expecting = this.#expected.get(claimed);
    this.#expected.delete(claimed);
    return expecting;
  }
}
