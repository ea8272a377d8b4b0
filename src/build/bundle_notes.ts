/** Finds in the text of a bundle what it will lack at run time. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";

/** Things that modules refer to and the bundle does not contain. */
export interface BundleNotes {
  /** The native add-ons that will not be found where the program runs. */
  readonly addOns: readonly string[];
  /** One line for each thing that may be missing, with what to do. */
  readonly warnings: readonly string[];
}

const WAY_OUT = "use --release, and --include for the file";

/** Packages that load a native add-on. */
const ADD_ON_LOADERS =
  /(?:^|[/:])((?:@mapbox\/)?node-pre-gyp|node-gyp-build(?:-optional-packages)?|bindings|prebuild-install)[@/]/;

/** An import whose argument is not a string literal. */
const COMPUTED_IMPORT = /(?<![\w$."'`])import\((?!\s*["'])([^\n]{0,60})/;
const OWN_URL = /new URL\(\s*["'`]([^"'`\n]+)["'`],\s*import\.meta\.url\s*\)/;
const ADD_ON = /(?:require\w*\(|\bfrom |\bimport )["']([^"'\n]+\.node)["']/;

/** A warning that does not apply if that file is included: the program looks for it beside itself. */
export const FILE_NOTE = /: (?:\.\/)?(\S+) is not in the bundle: ship it with --include$/;

/**
 * Scans a bundle, in which a comment before each module names it. For npm packages only
 * add-ons are reported: most other things that they refer to are optional.
 */
export function noteMissing(code: string, sources: readonly string[]): BundleNotes {
  const addOns = new Set<string>();
  const warnings = new Set<string>();
  const loader = sources.map((source) => ADD_ON_LOADERS.exec(source)?.[1]).find(Boolean);
  if (loader !== undefined) {
    warnings.add(
      `a package may load a native add-on (with ${loader}), which a bundle cannot contain: ${WAY_OUT}`,
    );
  }
  let name = "";
  for (const line of code.split("\n")) {
    if (line.startsWith("// ")) {
      name = line.slice("// ".length);
      continue;
    }
    const addOn = ADD_ON.exec(line)?.[1];
    if (addOn !== undefined) {
      // An absolute path is one of this machine.
      if (addOn.startsWith("/")) addOns.add(basename(addOn));
      else warnings.add(`${name}: ${addOn} is a native add-on: ${WAY_OUT}`);
    }
    if (name.includes("/npm/") || name.includes("node_modules/")) continue;
    if (COMPUTED_IMPORT.test(line)) {
      warnings.add(
        `${name}: an import() whose module is only known at run time is not in the bundle: ${WAY_OUT}`,
      );
    }
    const url = OWN_URL.exec(line)?.[1];
    if (url !== undefined && !/^[a-z]+:/.test(url)) {
      warnings.add(`${name}: ${url} is not in the bundle: ship it with --include`);
    }
  }
  return { addOns: [...addOns], warnings: [...warnings] };
}
