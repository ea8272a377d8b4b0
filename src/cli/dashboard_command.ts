/** `deploy dashboard`: a page about a cluster, served on loopback. */

import { findRun } from "../core/run_entry.ts";
import { BridgeWatched } from "../dashboard/bridge_watched.ts";
import { pageAssets } from "../dashboard/assets.ts";
import { openInBrowser } from "../dashboard/open_in_browser.ts";
import { runPath } from "../dashboard/model/route.ts";
import { Dashboard } from "../dashboard/server.ts";
import { Purpose } from "../net/protocol.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import type { Bridge } from "./dial_bridge.ts";
import { thisUser } from "./this_user.ts";

/** What is asked for, and where it is said. */
export interface DashboardCommand {
  readonly format: OutputFormat;
  /** 0 for any that is free. */
  readonly port: number;
  /** The run to open, as in {@linkcode findRun}; empty for the list of all. */
  readonly run: string;
  readonly opens: boolean;
  readonly out: (line: string) => void;
  readonly say: (text: string) => void;
}

/**
 * Serves the page until this process is told to stop; returns its exit code.
 *
 * @throws {Error} If the bridge or the run cannot be found, or the port is taken; the message is one line.
 */
export async function dashboard(bridge: Bridge, command: DashboardCommand): Promise<number> {
  const { format, port, out, say } = command;
  using watched = new BridgeWatched({
    address: bridge.address,
    liveness: bridge.liveness,
    dial: (signal) => bridge.dial(Purpose.view, signal),
    user: thisUser(),
  });
  const runs = await watched.runs();
  const path = command.run === "" ? "/" : pathOf(findRun(command.run, runs));
  let isFirst = true;
  const server = new Dashboard({
    watched,
    port,
    assets: pageAssets,
    onLink: (link) => {
      const url = withPath(link, path);
      if (format === "json") out(JSON.stringify({ link: url }));
      else if (isFirst) {
        say(`deploy: the dashboard of ${bridge.address}, until Ctrl-C; this link works once\n`);
        out(url);
      } else say(`deploy: for another browser: ${url}\n`);
      if (isFirst && command.opens && format !== "json") openInBrowser(url);
      isFirst = false;
    },
  });
  await toldToStop();
  await server.close();
  return 0;
}

function pathOf(found: ReturnType<typeof findRun>): string {
  if ("why" in found) throw new Error(found.why);
  return runPath(found.run.id);
}

function withPath(link: string, path: string): string {
  const url = new URL(link);
  url.pathname = path;
  return url.href;
}

/** Resolves at SIGINT or SIGTERM; a second one ends this process at once. */
async function toldToStop(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals = Deno.build.os === "windows"
    ? ["SIGINT"] as const
    : ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, resolve);
  await promise;
  for (const signal of signals) Deno.removeSignalListener(signal, resolve);
}
