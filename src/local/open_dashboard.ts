/** Opens the dashboard of a local run, if `DEPLOY_DASHBOARD` asks for one. */

import type { LocalDashboard, LocalRunPort } from "./local_dashboard.ts";

/**
 * Reads `DEPLOY_DASHBOARD`; `undefined` if it says nothing.
 *
 * @throws {SyntaxError} If it is not a port.
 */
export function readDashboardPort(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new SyntaxError(
    `Cannot use ${JSON.stringify(text)} as DEPLOY_DASHBOARD: ` +
      "write the port where the page is to be served, or 0 for any that is free",
  );
}

/**
 * Serves a page about the run called `name`, and says where.
 *
 * Its modules are loaded only here, by a name that nothing that bundles a program follows: they are not in
 * executables and bundles of programs, which have no source of the page either.
 *
 * @throws {Error} If it cannot be served; the message is for the user.
 */
export async function openDashboard(
  name: string,
  port: number,
  run: LocalRunPort,
  say: (text: string) => void,
): Promise<LocalDashboard> {
  const url = new URL("./local_dashboard.ts", import.meta.url);
  if (Deno.build.standalone || !url.pathname.includes("/src/local/")) {
    throw new Error(
      "Cannot serve a dashboard: DEPLOY_DASHBOARD is for programs that deno runs from their source; " +
        "deploy the program, and use deploy dashboard",
    );
  }
  const module = await import(url.href) as typeof import("./local_dashboard.ts");
  const dashboard = new module.LocalDashboard(name, run);
  let isFirst = true;
  dashboard.serve(port, (link) => {
    const what = isFirst ? "dashboard, for one browser" : "dashboard, for another browser";
    say(`deploy: ${what}: ${link}\n`);
    isFirst = false;
  });
  return dashboard;
}
