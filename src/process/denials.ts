/** What is said when a process ends since it was denied something: who limits its permissions. */

/** Deno's words: `Requires net access to "example.com:80", run again with the --allow-net flag`. */
const DENIED = /^Requires (\w+) access(?: to (.+?))?, run again/s;

/** How deep an error may be among the causes of another one. */
const MAX_CAUSES = 8;

/** The line about an uncaught error; `undefined` if nothing that is limited was denied. */
export function denialLine(
  error: unknown,
  limits: Readonly<Record<string, string>>,
): string | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    if (cause instanceof Deno.errors.NotCapable) {
      const [, name = "", what] = DENIED.exec(cause.message) ?? [];
      const who = limits[name];
      const access = what === undefined ? `${name} access` : `${name} access to ${what}`;
      return who === undefined ? undefined : `deploy: ${access} is denied here: ${who}\n`;
    }
    cause = cause.cause;
  }
  return undefined;
}

/**
 * Says so before an uncaught error is shown.
 *
 * @param limits For each limited permission, who limits it.
 */
export function explainDenials(
  limits: Readonly<Record<string, string>>,
  say: (line: string) => void,
): void {
  const explain = (event: ErrorEvent | PromiseRejectionEvent) => {
    const line = denialLine("reason" in event ? event.reason : event.error, limits);
    if (line !== undefined) say(line);
  };
  globalThis.addEventListener("error", explain);
  globalThis.addEventListener("unhandledrejection", explain);
}
