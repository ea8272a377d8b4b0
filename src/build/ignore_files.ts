/** What leaves files out of a folder: `.gitignore` files, and `"exclude"` of the configuration. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { messageOf } from "../core/errors.ts";
import { UsageError } from "../core/usage_error.ts";
import { ignoredBy, type IgnoreRule, type IgnoreSubject, parseIgnoreFile } from "./ignore_rules.ts";
import { contains } from "./project.ts";

/** The rules for what is in a folder. */
export interface FolderRules {
  /** Those of the `.gitignore` files there and above it. */
  readonly files: readonly IgnoreRule[];
  /** Those of the configuration, which decide if one of them matches. */
  readonly configured: readonly IgnoreRule[];
}

/** Whether something in the folder is left out. */
export function isLeftOut({ files, configured }: FolderRules, subject: IgnoreSubject): boolean {
  return ignoredBy(configured, subject) ?? ignoredBy(files, subject) ?? false;
}

/** Reads `.gitignore` files, each once. All paths are absolute. */
export class IgnoreFiles {
  readonly #root: string;
  readonly #configured: readonly IgnoreRule[];
  readonly #rules = new Map<string, readonly IgnoreRule[]>();

  /** `root` is the root of the project; `configured` are the rules of its configuration. */
  constructor(root: string, configured: readonly IgnoreRule[] = []) {
    this.#root = root;
    this.#configured = configured;
  }

  /** The rules for what is in `folder`; `above` are those for the folder that it is in. */
  within({ files, configured }: FolderRules, folder: string): FolderRules {
    return { files: [...files, ...this.#of(folder)], configured };
  }

  /**
   * The rules that apply to `folder`, which a user or a program has named, from the folders above it: up to
   * the top of its git repository or, outside of one, the root of the project. If they leave out the folder
   * itself, they do not apply in it, since it is wanted all the same.
   */
  above(folder: string): FolderRules {
    const files: IgnoreRule[] = [];
    for (const at of this.#upTo(folder, this.#top(folder))) files.unshift(...this.#of(at));
    const rules = { files, configured: this.#configured };
    return isLeftOut(rules, { path: folder, isFolder: true }) ? NO_RULES : rules;
  }

  /** The rules of the file in `folder` itself. */
  #of(folder: string): readonly IgnoreRule[] {
    const known = this.#rules.get(folder);
    if (known !== undefined) return known;
    const rules = parseIgnoreFile(readIfThere(inFolder(folder, ".gitignore")), folder);
    this.#rules.set(folder, rules);
    return rules;
  }

  #top(folder: string): string {
    for (let at = folder;; at = dirname(at)) {
      if (isThere(inFolder(at, ".git"))) return at;
      if (at === "/") return contains(this.#root, folder) ? this.#root : folder;
    }
  }

  /** The folders above `folder`, the nearest first, the last one being `top`. */
  *#upTo(folder: string, top: string): Generator<string> {
    for (let at = folder; at !== top;) {
      at = dirname(at);
      yield at;
    }
  }
}

const NO_RULES: FolderRules = { files: [], configured: [] };

function inFolder(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    // A repository that cannot be seen has no rules that can be read.
    return false;
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // A folder of that name is no file with rules.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) {
      return "";
    }
    throw new UsageError(`Cannot read ${path}: ${messageOf(error)}`);
  }
}
