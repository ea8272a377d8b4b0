/**
 * The ports on loopback of this machine at which debuggers reach the processes of a run: each connection to one is
 * passed on through the bridge to the inspector of its process.
 */

import { messageOf } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { Inspection } from "../core/inspection.ts";
import type { Pid } from "../core/pid.ts";
import { inspectorLine, inspectorPath, uninspectedLine } from "../host/inspector_address.ts";
import { Admission } from "../net/admission.ts";
import { isOwnConnection } from "../net/own_connection.ts";
import { closeQuietly, writeAll } from "../net/transport.ts";
import { Purpose } from "../net/protocol.ts";
import { answerBytes, isForLoopback, parseHead, readHead } from "../net/http.ts";
import { MessageLink } from "../net/message_link.ts";
import { relay } from "../net/relay.ts";
import {
  type DeployToInspector,
  INSPECTOR_TO_DEPLOY,
  type InspectorToDeploy,
  MAX_RELAY_MESSAGE_BYTES,
  type RelayMessage,
} from "../wire/inspect_messages.ts";
import type { Bridge } from "./dial_bridge.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const LOOPBACK = "127.0.0.1";

/** The port of the first process, if it is free: Chrome looks there by itself. The next ones follow. */
const FIRST_PORT = 9229;
const LAST_PORT = 9328;

/**
 * How many clients of a port may not have said yet what they want, and how long each may take: every user of the machine
 * can connect.
 */
const STRANGERS = { max: 64, timeoutMs: 10_000 };

/** The most processes with a port at a time. */
const MAX_DOORS = 1_000;

/** What is needed to reach the processes of a run. */
export interface InspectorDoorsOptions {
  readonly bridge: Bridge;
  readonly inspection: Inspection;
  /** The token of the deploy that started the run. */
  readonly token: () => string;
  /** A line for the user, between the lines of the processes. */
  readonly remark: (line: string) => Promise<void>;
  /** @default 64 of each port, for 10 s each */
  readonly strangers?: { readonly max: number; readonly timeoutMs: number };
}

/** What a client has said first. */
interface Guest {
  /** The head of its request, and maybe more. */
  readonly bytes: Bytes;
  /** Whether it is of this user, as far as the system tells. */
  readonly isOwn: boolean;
}

/** All of a run. */
export class InspectorDoors {
  readonly #options: InspectorDoorsOptions;
  readonly #doors = new Map<Pid, Admission<Deno.TcpConn, Guest>>();
  readonly #ending = new AbortController();
  readonly #serving = new Set<Promise<void>>();
  #opened = 0;

  constructor(options: InspectorDoorsOptions) {
    this.#options = options;
  }

  /** Takes an event of the run: a port is opened for each process that can be debugged, while that runs. */
  took(event: RunEvent): void {
    if (event.event === "spawn" && event.inspected === true) this.#open(event);
    if (event.event === "exit") this.#shut(event.pid);
  }

  /** Closes all ports and connections; resolves when they are closed. */
  async close(): Promise<void> {
    this.#ending.abort();
    for (const pid of this.#doors.keys()) this.#shut(pid);
    await Promise.all(this.#serving);
    const line = this.#opened > 0 ? undefined : uninspectedLine(this.#options.inspection);
    if (line !== undefined) await this.#options.remark(line);
  }

  #open(process: { readonly pid: Pid; readonly name: string }): void {
    this.#opened++;
    if (this.#doors.size >= MAX_DOORS) return;
    let listener: Deno.TcpListener;
    try {
      listener = listenNear(FIRST_PORT, LAST_PORT);
    } catch (error) {
      return this.#track(Promise.reject(error));
    }
    const { port } = listener.addr;
    const { strangers = STRANGERS } = this.#options;
    const door = new Admission({
      listener,
      ...strangers,
      // They are all of this one.
      maxOfHost: strangers.max,
      authenticate: readGuest,
      take: (conn, guest) => this.#track(this.#serve(conn, process.pid, guest)),
      // They are told themselves, and nobody else has to know.
      log: () => {},
    });
    this.#doors.set(process.pid, door);
    this.#track(this.#announce(process, port));
  }

  #shut(pid: Pid): void {
    const door = this.#doors.get(pid);
    if (door !== undefined) this.#track(door.close());
    this.#doors.delete(pid);
  }

  /** What fails concerns debuggers alone: the run goes on. */
  #track(work: Promise<void>): void {
    const tracked = work.catch((error) =>
      this.#options.remark(`deploy: Cannot let a debugger attach: ${messageOf(error)}`)
    );
    this.#serving.add(tracked);
    void tracked.finally(() => this.#serving.delete(tracked));
  }

  async #announce(
    process: { readonly pid: Pid; readonly name: string },
    port: number,
  ): Promise<void> {
    const path = await inspectorPath(port);
    // A process that has ended meanwhile needs no debugger.
    if (path === undefined || !this.#doors.has(process.pid)) return;
    const { breaks } = this.#options.inspection;
    await this.#options.remark(inspectorLine(process, { port, path, breaks }));
  }

  /** Serves one connection of a debugger. */
  async #serve(conn: Deno.TcpConn, pid: Pid, { bytes, isOwn }: Guest): Promise<void> {
    const { signal } = this.#ending;
    let link: MessageLink<DeployToInspector, InspectorToDeploy> | undefined;
    const stop = (): void => {
      link?.drop();
      closeQuietly(conn);
    };
    signal.addEventListener("abort", stop);
    try {
      const head = parseHead(bytes);
      if (head === undefined) return await answer(conn, "400 Bad Request", "not a request");
      if (!isForLoopback(head)) return await answer(conn, "403 Forbidden", "not for this host");
      if (!isOwn) return await answer(conn, "403 Forbidden", "of another user's run");
      const { bridge, token } = this.#options;
      link = new MessageLink(await bridge.dial(Purpose.inspect, signal), {
        schema: INSPECTOR_TO_DEPLOY,
        liveness: bridge.liveness,
        maxBytes: MAX_RELAY_MESSAGE_BYTES,
      });
      void link.send({ type: "inspect", token: token(), pid });
      const messages = link.messages();
      const { value: first } = await messages.next();
      if (first?.type === "refused") return await answer(conn, "502 Bad Gateway", first.why);
      if (first?.type !== "attached") return;
      void link.send({ type: "bytes", bytes });
      await relay(conn, link, onlyRelayed(messages), { leads: true });
    } catch (error) {
      if (!signal.aborted) await answer(conn, "502 Bad Gateway", messageOf(error));
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }
}

/** Listens on the first free port of these, or on any other one. */
function listenNear(from: number, to: number): Deno.TcpListener {
  for (let port = from; port <= to; port++) {
    try {
      return Deno.listen({ hostname: LOOPBACK, port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return Deno.listen({ hostname: LOOPBACK, port: 0 });
}

/** Reads what a client says first. @throws {Error} If it goes before, or says too much. */
async function readGuest(conn: Deno.TcpConn): Promise<Guest> {
  return { bytes: await readHead(conn), isOwn: await isOwnConnection(conn) };
}

/** Answers a request that cannot be passed on. */
async function answer(conn: Deno.TcpConn, status: string, why: string): Promise<void> {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  try {
    await writeAll(conn, answerBytes({ status, headers, body: `${why}\n` }));
  } catch {
    // It has gone.
  }
}

async function* onlyRelayed(
  messages: AsyncIterable<InspectorToDeploy>,
): AsyncGenerator<RelayMessage> {
  for await (const message of messages) {
    if (message.type !== "bytes" && message.type !== "end") return;
    yield message;
  }
}
