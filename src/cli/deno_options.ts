/** Options of `deploy` that are those of `deno run`: what they set travels with the program. */

import {
  problemOfSettings,
  runtimeFeatures,
  type RuntimeSettings,
} from "../core/runtime_settings.ts";
import { UsageError } from "../core/usage_error.ts";
import type { Scanned } from "./arguments.ts";
import type { Option, Options } from "./executable.ts";
import { pathOption } from "./values.ts";

const PERMISSIONS = ["read", "write", "net", "env", "sys", "run", "ffi", "import"];
const KINDS = ["allow", "deny", "ignore"];
const UNSTABLE = [
  "bare-node-builtins",
  "broadcast-channel",
  "bundle",
  "cron",
  "detect-cjs",
  "ffi",
  "fs",
  "kv",
  "lazy-dynamic-imports",
  "net",
  "no-legacy-abort",
  "node-globals",
  "npm-lazy-caching",
  "otel",
  "process",
  "raw-imports",
  "sloppy-imports",
  "temporal",
  "tsgo",
  "unsafe-proto",
  "vsock",
  "webgpu",
  "worker-options",
];

/** One line for all of them in the help. */
export const DENO_OPTIONS_NOTE =
  "As in deno run: --config --import-map --cert --location --v8-flags --allow-net …";

function denoOption(option: Omit<Option, "summary" | "ofDeno">): Option {
  return { summary: "as in deno run", ofDeno: true, ...option };
}

/** The options. */
export const DENO_OPTIONS: Options = {
  "config": denoOption({ value: "FILE", short: "c", completes: "file" }),
  "import-map": denoOption({ value: "FILE", completes: "file" }),
  "cert": denoOption({ value: "FILE", completes: "file" }),
  "location": denoOption({ value: "URL" }),
  "v8-flags": denoOption({ value: "FLAGS", isOptional: true }),
  "allow-all": denoOption({ short: "A" }),
  ...Object.fromEntries(
    KINDS.flatMap((kind) => PERMISSIONS.map((name) => `${kind}-${name}`))
      .map((name) => [name, denoOption({ value: "LIST", isOptional: true })]),
  ),
  ...Object.fromEntries(UNSTABLE.map((name) => [`unstable-${name}`, denoOption({})])),
};

/** What the options choose. */
export interface DenoChoices {
  /** The configuration file. */
  readonly config: string | undefined;
  readonly importMap: string | undefined;
  /** The file with certificates. */
  readonly cert: string | undefined;
  /** All unstable features, also those that only matter to the build. */
  readonly unstable: readonly string[];
  /** All but the certificates. */
  readonly settings: RuntimeSettings;
}

/** Reads the options. @throws {UsageError} If one is invalid. */
export function denoChoices(scanned: Scanned): DenoChoices {
  const { options } = scanned;
  const unstable: string[] = [];
  const permissions: string[] = [];
  for (const [name, values] of options) {
    if (name.startsWith("unstable-")) unstable.push(name.slice("unstable-".length));
    else if (/^(?:allow|deny|ignore)-/.test(name)) {
      for (const value of values.length === 0 ? [""] : values) {
        permissions.push(value === "" ? `--${name}` : `--${name}=${value}`);
      }
    }
  }
  const location = options.get("location")?.at(-1);
  const settings: RuntimeSettings = {
    unstable: runtimeFeatures(unstable),
    // Deno refuses --allow-all beside others, and it is the default here.
    permissions: permissions.filter((flag) => flag !== "--allow-all"),
    v8Flags: (options.get("v8-flags") ?? []).flatMap((value) => value.split(",").filter(Boolean)),
    ...(location === undefined ? {} : { location }),
  };
  if (
    options.has("allow-all") && settings.permissions.some((flag) => flag.startsWith("--allow-"))
  ) {
    throw new UsageError("--allow-all and --allow-… exclude each other; leave one out");
  }
  const problem = problemOfSettings(settings);
  if (problem !== undefined) throw new UsageError(problem);
  return {
    config: pathOption(scanned, "config"),
    importMap: pathOption(scanned, "import-map"),
    cert: pathOption(scanned, "cert"),
    unstable,
    settings,
  };
}
