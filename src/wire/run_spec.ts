/** The run spec: everything a machine needs to start a program's processes. */

import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { type Manifest, packManifest, unpackManifest } from "../core/manifest.ts";
import { inProject, PROJECT_FOLDER } from "../core/run_layout.ts";
import { checkName, checkNameBeside } from "./file_names.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A file of the mirrored project. */
export interface IncludedFile {
  /** Its path below the root, with `/` between its parts, and not leading out of it. */
  readonly path: string;
  readonly executable: boolean;
  readonly manifest: Manifest;
}

/** A program, as it is shipped. */
export interface RunSpec {
  /** One JavaScript module, or an executable made by `deno compile`. */
  readonly kind: "bundle" | "executable";
  /** Its displayed name: `main.ts`. */
  readonly name: string;
  /**
   * The path of the program's file in the folder of the run (see `run_layout.ts`); that of a bundle ends with
   * `.js` or `.mjs`.
   */
  readonly main: string;
  /** The path of the working directory below the root of the project; empty for the root itself. */
  readonly cwd: string;
  readonly manifest: Manifest;
  /** A module beside the main file that a bundle imports, if it does: its runtime. */
  readonly runtime?: { readonly name: string; readonly manifest: Manifest };
  readonly args: readonly string[];
  /** The variables that it is given. A node adds a few of its own: see `run_program.ts`. */
  readonly env: Readonly<Record<string, string>>;
  readonly includes: readonly IncludedFile[];
}

/** The most bytes of a spec: the manifests of some large files, and a long command line. */
export const MAX_SPEC_BYTES = 16 * 1024 * 1024;

/** The system's own limit for starting a program is lower. */
const MAX_ARGS = 65_536;
const MAX_ENV = 65_536;
const MAX_INCLUDES = 65_536;
const MAX_NAME_CHARACTERS = 256;

/** The files that a machine needs before it can start the program, the main file first. */
export function manifestsOf({ manifest, includes, runtime }: RunSpec): Manifest[] {
  const all = [manifest, ...includes.map((file) => file.manifest)];
  return runtime === undefined ? all : [...all, runtime.manifest];
}

/** Encodes a spec in the value codec, with packed manifests. */
export function encodeRunSpec(spec: RunSpec): Bytes {
  const { manifest, runtime, includes } = spec;
  return encode({
    ...spec,
    manifest: packManifest(manifest),
    ...(runtime && { runtime: { ...runtime, manifest: packManifest(runtime.manifest) } }),
    includes: includes.map((file) => ({ ...file, manifest: packManifest(file.manifest) })),
  });
}

/**
 * Decodes a spec from another machine.
 *
 * @throws {ProtocolError} If it is invalid.
 */
export function decodeRunSpec(bytes: Bytes): RunSpec {
  if (bytes.length > MAX_SPEC_BYTES) throw refusal(`it has ${bytes.length} bytes`);
  const value = object("it", decode(bytes));
  const { kind, name, main, cwd, args, env, includes } = value;
  if (kind !== "bundle" && kind !== "executable") throw refusal(`its kind is ${String(kind)}`);
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME_CHARACTERS) {
    throw refusal("its name is invalid");
  }
  if (typeof main !== "string") throw refusal("it has no main file");
  checkName(main);
  if (main === PROJECT_FOLDER) throw refusal("its main file is the folder of the project");
  if (typeof cwd !== "string") throw refusal("it has no working directory");
  if (cwd !== "") checkName(cwd);
  if (kind === "bundle" && !/\.m?js$/.test(main)) throw refusal("its main file is not JavaScript");
  const files = list("includes", includes, MAX_INCLUDES).map(checkInclude);
  const paths = [main, ...files.map(({ path }) => inProject(path))];
  if (new Set(paths).size < paths.length) throw refusal("two of its files have the same path");
  return {
    kind,
    name,
    main,
    cwd,
    manifest: unpackManifest(value["manifest"]),
    ...(value["runtime"] === undefined ? {} : { runtime: checkRuntime(value["runtime"]) }),
    args: list("args", args, MAX_ARGS).map((arg) => word("an argument", arg)),
    env: checkEnv(env),
    includes: files,
  };
}

function checkRuntime(value: unknown): RunSpec["runtime"] & object {
  const { name, manifest } = object("its runtime", value);
  if (typeof name !== "string") throw refusal("its runtime has no name");
  checkNameBeside(name);
  return { name, manifest: unpackManifest(manifest) };
}

function checkInclude(value: unknown): IncludedFile {
  const { path, executable, manifest } = object("an included file", value);
  if (typeof path !== "string") throw refusal("an included file has no path");
  checkName(path);
  if (typeof executable !== "boolean") {
    throw refusal(`${path} does not say whether it is executable`);
  }
  return { path, executable, manifest: unpackManifest(manifest) };
}

function checkEnv(value: unknown): Record<string, string> {
  const entries = Object.entries(object("env", value));
  if (entries.length > MAX_ENV) throw refusal(`it has ${entries.length} variables`);
  // Made of entries, so that no name has a special meaning.
  return Object.fromEntries(entries.map(([name, content]) => {
    if (name === "" || /[=\0]/.test(name)) throw refusal("a variable has an invalid name");
    return [name, word("a variable", content)];
  }));
}

function object(what: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw refusal(`${what} is not an object`);
}

function list(what: string, value: unknown, count: number): unknown[] {
  if (Array.isArray(value) && value.length <= count) return Array.from(value);
  throw refusal(`${what} is not a list, or is too long`);
}

/** A string that the system can pass to a program. */
function word(what: string, value: unknown): string {
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw refusal(`${what} is not a string without NUL bytes`);
}

function refusal(why: string): ProtocolError {
  return new ProtocolError(`Cannot read the run spec: ${why}`);
}
