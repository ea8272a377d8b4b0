/** What whoever deploys a program could lift the limits of a node with: the runtime, or the system, does it before Deno looks. */

import type { RuntimeSettings } from "../core/runtime_settings.ts";

/**
 * Variables that have other code loaded (`LD_PRELOAD`), somebody else asked what is allowed
 * (`DENO_PERMISSION_BROKER_PATH`), or files written and hosts connected to without asking.
 */
const LIFTING =
  /^(?:LD_|DENO_|OTEL_|NPM_CONFIG_)|^(?:NODE_OPTIONS|NODE_CHANNEL_FD|GCONV_PATH|JSR_URL|SSLKEYLOGFILE)$|_PROXY$/i;

/** Deno finds the commands of `--allow-run=git` by it. */
const PATH = "PATH";

/** The flags of V8 that only set sizes. Others write files, or let a program at its own memory. */
const HARMLESS_V8 =
  /^--?(?:expose[-_]gc|(?:max|min|initial)[-_](?:(?:old|semi)[-_]space|heap)[-_]size|stack[-_](?:size|trace[-_]limit))(?:=\d+)?$/;

/**
 * The first of what a program is given that could lift limits, as it is given to `deploy`; `undefined` if there is none.
 * Pure.
 *
 * @param namesCommands Whether the limits name commands that may be run.
 */
export function liftsLimits(
  env: Readonly<Record<string, string>>,
  { v8Flags }: Pick<RuntimeSettings, "v8Flags">,
  namesCommands: boolean,
): string | undefined {
  const variable = Object.keys(env).find((name) =>
    LIFTING.test(name) || (namesCommands && name === PATH)
  );
  if (variable !== undefined) return `--env ${variable}`;
  const flag = v8Flags.find((each) => !HARMLESS_V8.test(each));
  return flag && `--v8-flags=${flag}`;
}
