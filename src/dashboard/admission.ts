/**
 * Who may use a dashboard: the browser that was opened with the link that the command printed, and no web page
 * of anybody else.
 *
 * A link works once. It gives the browser a cookie, which other sites can neither read nor have sent along. Where the
 * system tells whose a connection is, other users get in with neither. The names in `Host` and `Origin` are checked, so
 * that no other name of this machine leads here. Pure: it uses no socket.
 */

/** What a request says of itself. */
export interface Knock {
  readonly method: string;
  readonly url: URL;
  readonly host: string | null;
  readonly origin: string | null;
  readonly cookie: string | null;
  /** Whether it asks for a WebSocket. */
  readonly upgrades: boolean;
}

/** What becomes of a request. */
export type Admitted =
  /** Go to `location`, with this cookie. */
  | { readonly kind: "enter"; readonly location: string; readonly cookie: string }
  | { readonly kind: "serve"; readonly path: string }
  | { readonly kind: "upgrade" }
  | Refused;

/** A request is refused, with a status of HTTP. */
export interface Refused {
  readonly kind: "refuse";
  readonly status: number;
  readonly why: string;
}

/** The path of the page's WebSocket. */
const SOCKET_PATH = "/socket";

const NO_ENTRY =
  "Open the link that deploy dashboard printed. It works once: if it has been used, " +
  "use the latest that was printed.";

const NOT_OWN = "This dashboard is another user's.";

export class Doorman {
  readonly #port: number;
  /** The cookies of the browsers that have come in. */
  readonly #known = new Set<string>();
  readonly #newSecret: () => string;
  #token: string;

  /** `newSecret` makes a text that nobody can guess, for links and cookies. */
  constructor(port: number, newSecret: () => string) {
    this.#port = port;
    this.#newSecret = newSecret;
    this.#token = newSecret();
  }

  /** The link that works next. */
  get link(): string {
    return `http://127.0.0.1:${this.#port}/?token=${this.#token}`;
  }

  /**
   * How a request is refused, whoever it comes from: it is no browser's that is to use this, or has neither the link nor
   * the cookie. `undefined` if it is to be found out whose it is, which takes a look at all sockets.
   */
  refuses({ method, url, host, origin, cookie }: Knock): Refused | undefined {
    const names = ["127.0.0.1", "localhost"].map((name) => `${name}:${this.#port}`);
    if (host === null || !names.includes(host)) {
      return { kind: "refuse", status: 421, why: "This server has no such name." };
    }
    if (origin !== null && origin !== `http://${host}`) {
      return { kind: "refuse", status: 403, why: "Another site may not use this one." };
    }
    if (method !== "GET") return { kind: "refuse", status: 405, why: "Only GET is possible." };
    if (this.#hasToken(url) || this.#isKnown(cookie)) return undefined;
    return { kind: "refuse", status: 403, why: NO_ENTRY };
  }

  /** Decides about a request; `isOwn`: whether it comes from this user, as far as the system tells. */
  admit(knock: Knock, isOwn: boolean): Admitted {
    const refused = this.refuses(knock);
    if (refused !== undefined) return refused;
    // What this browser has, others can get at: the words of the command that opened it, and, as servers on other
    // ports of this host, its cookies.
    if (!isOwn) return { kind: "refuse", status: 403, why: NOT_OWN };
    const { url, origin, upgrades } = knock;
    if (this.#hasToken(url)) return this.#enter(url);
    if (url.searchParams.has("token")) {
      // A link that has been used, in a browser that was let in by it.
      return { kind: "enter", location: pathOf(url), cookie: "" };
    }
    if (url.pathname !== SOCKET_PATH) return { kind: "serve", path: url.pathname };
    // Browsers send the origin with each WebSocket.
    if (!upgrades || origin === null) {
      return { kind: "refuse", status: 400, why: "Here is a WebSocket only." };
    }
    return { kind: "upgrade" };
  }

  #enter(url: URL): Admitted {
    this.#token = this.#newSecret();
    const secret = this.#newSecret();
    this.#known.add(secret);
    const cookie = `${this.#name}=${secret}; Path=/; HttpOnly; SameSite=Strict`;
    return { kind: "enter", location: pathOf(url), cookie };
  }

  #hasToken(url: URL): boolean {
    return url.searchParams.get("token") === this.#token;
  }

  /** Cookies of one host are the same for all ports, so the name says which one it is of. */
  get #name(): string {
    return `deploy-dashboard-${this.#port}`;
  }

  #isKnown(header: string | null): boolean {
    return (header ?? "").split(";").some((part) => {
      const [name, value = ""] = part.trim().split("=", 2);
      return name === this.#name && this.#known.has(value);
    });
  }
}

/** Where it leads, without the token. It is a path of this server, whatever it begins with. */
function pathOf({ pathname }: URL): string {
  return `/${pathname.replace(/^[/\\]+/, "")}`;
}

/** The headers of every answer. The page loads scripts and styles from here only, and nothing from elsewhere. */
export function answerHeaders(port: number): Record<string, string> {
  const sockets = `ws://127.0.0.1:${port} ws://localhost:${port}`;
  return {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${sockets}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
}
