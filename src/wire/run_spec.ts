/** The run spec: everything a machine needs to start a program's processes. */

import { checkInspection, type Inspection } from "../core/inspection.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import { ProtocolError } from "../core/errors.ts";
import { readSettings, type RuntimeSettings } from "../core/runtime_settings.ts";
import { type Manifest, packManifest, unpackManifest } from "../core/manifest.ts";
import { checkName, checkNameBeside } from "../core/file_names.ts";
import { PROJECT_FOLDER } from "../core/run_layout.ts";
import { checkTree, MAX_ENTRIES, type PackedFile, type Tree } from "../core/tree.ts";

type Bytes = Uint8Array<ArrayBuffer>;

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
  /** How the runtime of a bundle is set; an executable contains its settings. */
  readonly settings?: RuntimeSettings;
  readonly args: readonly string[];
  /** The variables that it is given. A node adds a few of its own: see `run_program.ts`. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether stdout and stderr of a process are one pipe, as a node starts it. */
  readonly oneOutput?: boolean;
  /** Which processes a debugger may attach to. @default none */
  readonly inspection?: Inspection;
  /** What is mirrored of the project. */
  readonly tree: Tree;
}

/** The most bytes of a spec: the manifests of some large files, and a long command line. */
export const MAX_SPEC_BYTES = 16 * 1024 * 1024;

/** The system's own limit for starting a program is lower. */
const MAX_ARGS = 65_536;
const MAX_ENV = 65_536;
const MAX_NAME_CHARACTERS = 256;

/**
 * The files that a machine needs before it can start the program: the main file, the packs of the tree in
 * order, and the runtime, if it is separate.
 */
export function manifestsOf({ manifest, tree, runtime }: RunSpec): Manifest[] {
  const all = [manifest, ...tree.packs.map((pack) => pack.manifest)];
  return runtime === undefined ? all : [...all, runtime.manifest];
}

/** Encodes a spec in the value codec, with packed manifests. */
export function encodeRunSpec(spec: RunSpec): Bytes {
  const { manifest, runtime, tree } = spec;
  return encode({
    ...spec,
    manifest: packManifest(manifest),
    ...(runtime && { runtime: { ...runtime, manifest: packManifest(runtime.manifest) } }),
    tree: {
      ...tree,
      packs: tree.packs.map((pack) => ({ ...pack, manifest: packManifest(pack.manifest) })),
    },
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
  const { kind, name, main, cwd, args, env } = value;
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
  const tree = readTree(value["tree"]);
  // An executable of the user lies in the project.
  const inside = main.startsWith(`${PROJECT_FOLDER}/`);
  checkTree(tree, cwd, inside ? main.slice(PROJECT_FOLDER.length + 1) : undefined);
  return {
    kind,
    name,
    main,
    cwd,
    manifest: unpackManifest(value["manifest"]),
    ...(value["runtime"] === undefined ? {} : { runtime: checkRuntime(value["runtime"]) }),
    ...(value["settings"] === undefined
      ? {}
      : { settings: readSettings(object("its settings", value["settings"])) }),
    args: list("args", args, MAX_ARGS).map((arg) => word("an argument", arg)),
    env: checkEnv(env),
    ...(value["oneOutput"] === undefined ? {} : { oneOutput: flag(value["oneOutput"]) }),
    ...(value["inspection"] === undefined
      ? {}
      : { inspection: checkInspection(object("what is inspected", value["inspection"])) }),
    tree,
  };
}

function checkRuntime(value: unknown): RunSpec["runtime"] & object {
  const { name, manifest } = object("its runtime", value);
  if (typeof name !== "string") throw refusal("its runtime has no name");
  checkNameBeside(name);
  return { name, manifest: unpackManifest(manifest) };
}

function readTree(value: unknown): Tree {
  const { folders, links, packs } = object("its tree", value);
  return {
    folders: list("folders", folders, MAX_ENTRIES).map((each) => {
      const { path, mode } = object("a folder", each);
      return { path: string("a path", path), mode: number("a mode", mode) };
    }),
    links: list("links", links, MAX_ENTRIES).map((each) => {
      const { path, target } = object("a link", each);
      return { path: string("a path", path), target: string("a target", target) };
    }),
    packs: list("packs", packs, MAX_ENTRIES).map((each) => {
      const { manifest, files } = object("a pack", each);
      return {
        manifest: unpackManifest(manifest),
        files: list("the files of a pack", files, MAX_ENTRIES).map(readFile),
      };
    }),
  };
}

function readFile(value: unknown): PackedFile {
  const { path, mode, size } = object("a file", value);
  return {
    path: string("a path", path),
    mode: number("a mode", mode),
    size: number("a size", size),
  };
}

function flag(value: unknown): boolean {
  if (typeof value !== "boolean") throw refusal("whether it has one output is not said");
  return value;
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

function string(what: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw refusal(`${what} is not a string`);
}

function number(what: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw refusal(`${what} is not a number`);
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
