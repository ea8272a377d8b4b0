/** The server of a dashboard: on loopback, for the browser of the user who started it. */

import { messageOf } from "../core/errors.ts";
import { randomId } from "../core/pid.ts";
import { startTimer } from "../core/timer.ts";
import { Admission } from "../net/admission.ts";
import { answerBytes, parseHead, readHead, type RequestHead, writeLast } from "../net/http.ts";
import { closeQuietly, isBroken } from "../net/transport.ts";
import { type Admitted, answerHeaders, Doorman, type Knock, type Refused } from "./admission.ts";
import type { PageAssets } from "./assets.ts";
import { ClusterWatch } from "./cluster_watch.ts";
import { isOwnConnection } from "../net/own_connection.ts";
import { readPageMessage, type ServerToPage } from "./messages.ts";
import { PageSession } from "./page_session.ts";
import { PageSocket } from "./page_socket.ts";
import type { Watched } from "./watched.ts";
import { answerToKey, GOING_AWAY, isKey } from "./web_socket_frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The only address that it listens at. */
const HOSTNAME = "127.0.0.1";

/** How many pages may be open. */
const MAX_PAGES = 32;

/**
 * How many connections there may be of whom it is not known yet that they are of this user's browser, and how long each may
 * take to show that, or to take the answer that it is not. Every user of the machine can connect.
 */
const STRANGERS = { max: 256, timeoutMs: 10_000 };

/** How long a browser may take to take an answer. */
const ANSWER_MS = 60_000;

/** How many connections the system keeps until they are accepted: strangers come faster than a browser. */
const BACKLOG = 2_000;

/** The names of the statuses that are answered. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  200: "OK",
  303: "See Other",
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  421: "Misdirected Request",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** What to serve. */
export interface DashboardOptions {
  readonly watched: Watched;
  /** 0 for any that is free. */
  readonly port: number;
  /** Makes the page; called when the first browser comes. */
  readonly assets: () => Promise<PageAssets>;
  /** Called with the link that works next, at first and whenever one has been used. */
  readonly onLink: (link: string) => void;
  /** @default 256, for 10 s each */
  readonly strangers?: { readonly max: number; readonly timeoutMs: number };
}

/** A request that is let in. */
interface Guest {
  readonly head: RequestHead;
  readonly admitted: Exclude<Admitted, Refused>;
}

/** A running server. A connection has one request: so each of them is let in, or is refused and closed. */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #listener: Deno.TcpListener;
  readonly #admission: Admission<Deno.TcpConn, Guest>;
  readonly #doorman: Doorman;
  readonly #cluster: ClusterWatch;
  /** The connections of this user's browser that are being answered. */
  readonly #answering = new Map<Deno.TcpConn, Promise<void>>();
  readonly #sockets = new Map<PageSocket, PageSession>();
  readonly #closing = new Set<Promise<void>>();
  #assets: Promise<PageAssets> | undefined;
  #isUnreferenced = false;

  /** @throws {Error} If it cannot listen on that port; the message is for the user. */
  constructor(options: DashboardOptions) {
    this.#options = options;
    const { watched, port, strangers = STRANGERS } = options;
    try {
      this.#listener = Deno.listen({ hostname: HOSTNAME, port, tcpBacklog: BACKLOG });
    } catch (cause) {
      throw new Error(`Cannot serve the dashboard on port ${port}: ${messageOf(cause)}`, { cause });
    }
    this.#doorman = new Doorman(this.port, randomId);
    this.#cluster = new ClusterWatch(watched, startTimer);
    this.#admission = new Admission<Deno.TcpConn, Guest>({
      listener: this.#listener,
      ...strangers,
      // They are all of this one.
      maxOfHost: strangers.max,
      authenticate: (conn, begun) => this.#letIn(conn, begun),
      take: (conn, guest) => this.#take(conn, guest),
      // They are told themselves, and nobody else has to know.
      log: () => {},
    });
    options.onLink(this.#doorman.link);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Lets the process end while the server runs. */
  unref(): void {
    this.#isUnreferenced = true;
    this.#listener.unref();
  }

  /** Ends the server and all pages. */
  async close(): Promise<void> {
    await this.#admission.close();
    for (const conn of this.#answering.keys()) closeQuietly(conn);
    await Promise.all(this.#answering.values());
    const sockets = [...this.#sockets.keys()];
    for (const socket of sockets) socket.close(GOING_AWAY);
    await Promise.all(sockets.map(({ over }) => over));
    await Promise.all(this.#closing);
    this.#cluster.close();
  }

  /**
   * Reads the request of a connection, which is nobody's until then.
   *
   * @throws {Error} If it is not let in; it has been told why.
   */
  async #letIn(conn: Deno.TcpConn, begun: () => void): Promise<Guest> {
    if (this.#isUnreferenced) conn.unref();
    const head = parseHead(await readHead(conn));
    const knock = head && knockOf(head);
    // A name in `Host` need not be one.
    if (head === undefined || knock === undefined) {
      return await this.#refuse(conn, { status: 400, why: "This is no address." });
    }
    const admitted = await this.#judge(conn, knock, begun);
    return admitted.kind === "refuse" ? await this.#refuse(conn, admitted) : { head, admitted };
  }

  /** Tells it why, and throws that. */
  async #refuse(conn: Deno.TcpConn, { status, why }: Omit<Refused, "kind">): Promise<never> {
    await writeLast(conn, this.#text(status, why));
    throw new Error(why);
  }

  async #judge(conn: Deno.TcpConn, knock: Knock, begun: () => void): Promise<Admitted> {
    const refused = this.#doorman.refuses(knock);
    if (refused !== undefined) return refused;
    // Those that have shown nothing leave before it.
    begun();
    return this.#doorman.admit(knock, await isOwnConnection(conn));
  }

  #take(conn: Deno.TcpConn, guest: Guest): void {
    const answering = this.#answer(conn, guest);
    this.#answering.set(conn, answering);
    void answering.finally(() => this.#answering.delete(conn));
  }

  async #answer(conn: Deno.TcpConn, { head, admitted }: Guest): Promise<void> {
    const answer = admitted.kind === "serve"
      ? await this.#page(admitted.path)
      : admitted.kind === "enter"
      ? this.#enter(admitted)
      : await this.#upgrade(conn, head);
    if (answer === undefined) return;
    const cancel = startTimer(ANSWER_MS, () => closeQuietly(conn));
    try {
      await writeLast(conn, answer);
    } catch (error) {
      if (!isBroken(error)) throw error;
    } finally {
      cancel();
      closeQuietly(conn);
    }
  }

  #enter({ location, cookie }: Extract<Admitted, { kind: "enter" }>): Bytes {
    if (cookie !== "") this.#options.onLink(this.#doorman.link);
    return this.#bytes(303, { location, ...(cookie === "" ? {} : { "set-cookie": cookie }) }, "");
  }

  async #page(path: string): Promise<Bytes> {
    let assets: PageAssets;
    try {
      this.#assets ??= this.#options.assets();
      assets = await this.#assets;
    } catch (error) {
      this.#assets = undefined; // it is tried again
      return this.#text(500, messageOf(error));
    }
    const [type, text] = path === "/page.js"
      ? ["text/javascript; charset=utf-8", assets.script]
      : path === "/page.css"
      ? ["text/css; charset=utf-8", assets.style]
      : path === "/icon.svg"
      ? ["image/svg+xml", assets.icon]
      // The page itself finds out what its path means.
      : ["text/html; charset=utf-8", assets.html];
    return this.#bytes(200, { "content-type": type }, text);
  }

  /** Makes the WebSocket of a page; if there cannot be one, returns the answer that says why. */
  async #upgrade(conn: Deno.TcpConn, { headers, rest }: RequestHead): Promise<Bytes | undefined> {
    const answer = await upgradeBytes(headers);
    if (answer === undefined) return this.#text(400, "This is no WebSocket of version 13.");
    if (this.#sockets.size >= MAX_PAGES) {
      return this.#text(503, `${MAX_PAGES} pages are open; close one.`);
    }
    const { watched } = this.#options;
    const send = (message: ServerToPage) => socket.send(JSON.stringify(message));
    const session = new PageSession({ watched, send, startTimer });
    const took = (text: string): boolean => {
      const message = readPageMessage(text);
      if (message !== undefined) session.take(message);
      return message !== undefined;
    };
    const socket = new PageSocket(conn, { answer, rest, startTimer, took });
    this.#sockets.set(socket, session);
    session.tell({ type: "hello", title: watched.title, nowMs: Date.now() });
    this.#cluster.add(session);
    void socket.over.then(() => this.#leave(socket, session));
    return undefined;
  }

  #leave(socket: PageSocket, session: PageSession): void {
    this.#sockets.delete(socket);
    this.#cluster.remove(session);
    const closing = session.close();
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  #text(status: number, text: string): Bytes {
    return this.#bytes(status, { "content-type": "text/plain; charset=utf-8" }, `${text}\n`);
  }

  #bytes(status: number, headers: Readonly<Record<string, string>>, body: string): Bytes {
    return answerBytes({
      status: `${status} ${STATUS_NAMES[status]}`,
      headers: { ...answerHeaders(this.port), ...headers },
      body,
    });
  }
}

/** The answer that begins a WebSocket; `undefined` if the request does not ask for one as it should. */
async function upgradeBytes(headers: RequestHead["headers"]): Promise<Bytes | undefined> {
  const key = headers.get("sec-websocket-key") ?? "";
  if (!isKey(key) || headers.get("sec-websocket-version") !== "13") return undefined;
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "upgrade: websocket",
    "connection: Upgrade",
    `sec-websocket-accept: ${await answerToKey(key)}`,
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

function knockOf({ method, target, headers }: RequestHead): Knock | undefined {
  const host = headers.get("host") ?? null;
  const url = target.startsWith("/") ? URL.parse(`http://${host ?? HOSTNAME}${target}`) : null;
  if (url === null) return undefined;
  return {
    method,
    url,
    host,
    origin: headers.get("origin") ?? null,
    cookie: headers.get("cookie") ?? null,
    upgrades: headers.get("upgrade")?.toLowerCase() === "websocket",
  };
}
