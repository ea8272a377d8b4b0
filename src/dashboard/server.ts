/** The server of a dashboard: on loopback, for the browser of the user who started it. */

import { messageOf } from "../core/errors.ts";
import { randomId } from "../core/pid.ts";
import { startTimer } from "../core/timer.ts";
import { type Admitted, answerHeaders, Doorman, type Knock } from "./admission.ts";
import type { PageAssets } from "./assets.ts";
import { ClusterWatch } from "./cluster_watch.ts";
import { isOwnConnection } from "./own_connection.ts";
import { readPageMessage, type ServerToPage } from "./messages.ts";
import { PageSession } from "./page_session.ts";
import type { Watched } from "./watched.ts";

/** The only address that it listens at. */
const HOSTNAME = "127.0.0.1";

/** How many pages may be open. */
const MAX_PAGES = 32;

/** What to serve. */
export interface DashboardOptions {
  readonly watched: Watched;
  /** 0 for any that is free. */
  readonly port: number;
  /** Makes the page; called when the first browser comes. */
  readonly assets: () => Promise<PageAssets>;
  /** Called with the link that works next, at first and whenever one has been used. */
  readonly onLink: (link: string) => void;
}

/** A running server. */
export class Dashboard {
  readonly #options: DashboardOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #doorman: Doorman;
  readonly #cluster: ClusterWatch;
  readonly #sockets = new Map<WebSocket, PageSession>();
  readonly #closing = new Set<Promise<void>>();
  #assets: Promise<PageAssets> | undefined;

  /** @throws {Error} If it cannot listen on that port; the message is for the user. */
  constructor(options: DashboardOptions) {
    this.#options = options;
    const { watched, port } = options;
    try {
      this.#server = Deno.serve(
        { hostname: HOSTNAME, port, onListen: () => {}, onError: (error) => this.#failed(error) },
        (request, { remoteAddr }) => this.#answer(request, remoteAddr),
      );
    } catch (cause) {
      throw new Error(`Cannot serve the dashboard on port ${port}: ${messageOf(cause)}`, { cause });
    }
    this.#doorman = new Doorman(this.port, randomId);
    this.#cluster = new ClusterWatch(watched, startTimer);
    options.onLink(this.#doorman.link);
  }

  get port(): number {
    return this.#server.addr.port;
  }

  /** Lets the process end while the server runs. */
  unref(): void {
    this.#server.unref();
  }

  /** Ends the server and all pages. */
  async close(): Promise<void> {
    for (const [socket, session] of this.#sockets) {
      this.#leave(socket, session);
      socket.close();
    }
    await Promise.all(this.#closing);
    this.#cluster.close();
    await this.#server.shutdown();
  }

  async #answer(request: Request, from: Deno.NetAddr): Promise<Response> {
    const knock = knockOf(request);
    // A name in `Host` need not be one.
    if (knock === undefined) return this.#text(400, "This is no address.");
    const isOwn = () => isOwnConnection(from, this.#server.addr);
    const admitted = this.#doorman.admit({ ...knock, isOwn });
    switch (admitted.kind) {
      case "upgrade":
        return this.#upgrade(request);
      case "serve":
        return await this.#serve(admitted.path);
      case "enter":
        return this.#enter(admitted);
      case "refuse":
        return this.#text(admitted.status, admitted.why);
    }
  }

  #enter({ location, cookie }: Extract<Admitted, { kind: "enter" }>): Response {
    if (cookie !== "") this.#options.onLink(this.#doorman.link);
    const headers = { location, ...(cookie === "" ? {} : { "set-cookie": cookie }) };
    return new Response(null, {
      status: 303,
      headers: { ...answerHeaders(this.port), ...headers },
    });
  }

  async #serve(path: string): Promise<Response> {
    this.#assets ??= this.#options.assets();
    this.#assets.catch(() => this.#assets = undefined); // it is tried again
    const assets = await this.#assets;
    const [type, text] = path === "/page.js"
      ? ["text/javascript; charset=utf-8", assets.script]
      : path === "/page.css"
      ? ["text/css; charset=utf-8", assets.style]
      : path === "/icon.svg"
      ? ["image/svg+xml", assets.icon]
      // The page itself finds out what its path means.
      : ["text/html; charset=utf-8", assets.html];
    return new Response(text, { headers: { ...answerHeaders(this.port), "content-type": type } });
  }

  #upgrade(request: Request): Response {
    if (this.#sockets.size >= MAX_PAGES) {
      return this.#text(503, `${MAX_PAGES} pages are open; close one.`);
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    const send = (message: ServerToPage) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    };
    const { watched } = this.#options;
    socket.onopen = () => {
      const session = new PageSession({ watched, send, startTimer });
      this.#sockets.set(socket, session);
      session.tell({ type: "hello", title: watched.title, nowMs: Date.now() });
      this.#cluster.add(session);
      socket.onmessage = ({ data }) => {
        const message = readPageMessage(data);
        if (message === undefined) socket.close(1008, "not a message");
        else session.take(message);
      };
      socket.onclose = () => this.#leave(socket, session);
    };
    return response;
  }

  #leave(socket: WebSocket, session: PageSession): void {
    if (!this.#sockets.delete(socket)) return;
    this.#cluster.remove(session);
    const closing = session.close();
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  #failed(error: unknown): Response {
    return this.#text(500, messageOf(error));
  }

  #text(status: number, text: string): Response {
    const headers = { ...answerHeaders(this.port), "content-type": "text/plain; charset=utf-8" };
    return new Response(`${text}\n`, { status, headers });
  }
}

function knockOf(request: Request): Omit<Knock, "isOwn"> | undefined {
  const { method, headers } = request;
  const url = URL.parse(request.url);
  if (url === null) return undefined;
  return {
    method,
    url,
    host: headers.get("host"),
    origin: headers.get("origin"),
    cookie: headers.get("cookie"),
    upgrades: headers.get("upgrade")?.toLowerCase() === "websocket",
  };
}
