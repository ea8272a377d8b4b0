/** The page's connection to its server, made again when it is lost. */

import type { Pid } from "../../core/pid.ts";
import type { PageToServer, ServerToPage } from "../messages.ts";
import { effect } from "./packages.ts";
import { answer, connection, forget, route, take } from "./state.ts";

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5_000;

let socket: WebSocket | undefined;
let pauseMs = FIRST_PAUSE_MS;
let requests = 0;
/** The run that the page shows. */
let looked: string | null = null;

function send(message: PageToServer): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

function connect(): void {
  const own = socket = new WebSocket(`ws://${location.host}/socket`);
  own.onopen = () => {
    pauseMs = FIRST_PAUSE_MS;
    connection.value = "open";
    if (looked !== null) send({ type: "look", run: looked });
  };
  own.onmessage = ({ data }: MessageEvent<string>) => {
    take(JSON.parse(data) as ServerToPage);
    send({ type: "taken", messages: 1 });
  };
  own.onclose = () => {
    connection.value = "lost";
    setTimeout(connect, pauseMs);
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  };
}

/** Connects, and asks for what the address of the page says. */
export function startSocket(): void {
  connect();
  effect(() => {
    const at = route.value;
    const run = at.view === "cluster" ? null : at.run;
    if (run === looked) return;
    looked = run;
    forget();
    send({ type: "look", run });
  });
}

/** Asks to end a process, or a run. */
export function kill(run: string, pid: Pid | null, atOnce: boolean): void {
  answer.value = null;
  if (send({ type: "kill", request: requests++, run, pid, atOnce })) return;
  answer.value = { failed: true, text: "There is no connection to deploy dashboard." };
}
