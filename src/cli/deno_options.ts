/** Options of `deploy` that are those of `deno run`: what they set travels with the program. */

import { PERMISSION_NAMES } from "../core/permissions.ts";
import {
  problemOfSettings,
  runtimeFeatures,
  type RuntimeSettings,
  UNSTABLE_FEATURES,
} from "../core/runtime_settings.ts";
import { UsageError } from "../core/usage_error.ts";
import type { Scanned } from "./arguments.ts";
import type { Option, Options } from "./executable.ts";
import { pathOption } from "./values.ts";

const KINDS = ["allow", "deny", "ignore"];

/** One line for all of them in the help. */
export const DENO_OPTIONS_NOTE =
  "As in deno run: --config --import-map --cert --location --v8-flags --allow-net …";

function denoOption(option: Omit<Option, "summary" | "ofDeno">): Option {
  return { summary: "as in deno run", ofDeno: true, ...option };
}

/** `--allow-net`, `--deny-read` and their kin. */
export const PERMISSION_OPTIONS: Options = Object.fromEntries(
  KINDS.flatMap((kind) => PERMISSION_NAMES.map((name) => `${kind}-${name}`))
    .map((name) => [name, denoOption({ value: "LIST", isOptional: true })]),
);

/** The options. */
export const DENO_OPTIONS: Options = {
  "config": denoOption({ value: "FILE", short: "c", completes: "file" }),
  "import-map": denoOption({ value: "FILE", completes: "file" }),
  "cert": denoOption({ value: "FILE", completes: "file" }),
  "location": denoOption({ value: "URL" }),
  "v8-flags": denoOption({ value: "FLAGS", isOptional: true }),
  "allow-all": denoOption({ short: "A" }),
  "permission-set": denoOption({ value: "NAME", isOptional: true, short: "P" }),
  ...PERMISSION_OPTIONS,
  ...Object.fromEntries(UNSTABLE_FEATURES.map((name) => [`unstable-${name}`, denoOption({})])),
};

/** What the options choose. */
export interface DenoChoices {
  /** The configuration file. */
  readonly config: string | undefined;
  readonly importMap: string | undefined;
  /** The file with certificates. */
  readonly cert: string | undefined;
  /** The name of a set of permissions in the configuration; empty for its `default`. */
  readonly permissionSet: string | undefined;
  /** All unstable features, also those that only matter to the build. */
  readonly unstable: readonly string[];
  /** All but the certificates. */
  readonly settings: RuntimeSettings;
}

/** The flags of permissions that were given, as `deno run` takes them. */
export function permissionFlags({ options }: Scanned): string[] {
  return [...options].filter(([name]) => /^(?:allow|deny|ignore)-/.test(name))
    .flatMap(([name, values]) =>
      (values.length === 0 ? [""] : values).map((value) =>
        value === "" ? `--${name}` : `--${name}=${value}`
      )
    );
}

/** Reads the options. @throws {UsageError} If one is invalid. */
export function denoChoices(scanned: Scanned): DenoChoices {
  const { options } = scanned;
  const unstable = [...options.keys()].filter((name) => name.startsWith("unstable-"))
    .map((name) => name.slice("unstable-".length));
  const permissions = permissionFlags(scanned);
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
    permissionSet: options.get("permission-set")?.at(-1),
    unstable,
    settings,
  };
}
