/**
 * A mirrored project: its folders, links and files, and where their contents are.
 *
 * The contents of small files are joined in packs, so that thousands of files are shipped and stored as a
 * few. A large file is a pack by itself.
 */

import { checkName } from "./file_names.ts";
import { type Manifest, PIECE_BYTES } from "./manifest.ts";
import { ProtocolError } from "./errors.ts";

/** Paths are below the root of the project, with `/` between their parts. */
export interface Tree {
  /** Folders in any order. The folders above an entry exist in any case. */
  readonly folders: readonly TreeFolder[];
  readonly links: readonly TreeLink[];
  readonly packs: readonly Pack[];
}

export interface TreeFolder {
  readonly path: string;
  /** The permission bits, from 0 to 0o777. */
  readonly mode: number;
}

/** A symbolic link that does not lead out of the project. */
export interface TreeLink {
  readonly path: string;
  /**
   * What it points to, from the folder that it is in: any number of `..`, and then names. An empty path is
   * written as `.`.
   */
  readonly target: string;
}

/**
 * The contents of files, one after the other. Those of several files have at most {@linkcode PIECE_BYTES}: whoever
 * makes the files has all of them in memory.
 */
export interface Pack {
  readonly manifest: Manifest;
  readonly files: readonly PackedFile[];
}

export interface PackedFile {
  readonly path: string;
  /** The permission bits, from 0 to 0o777. */
  readonly mode: number;
  readonly size: number;
}

/** A project of which nothing is mirrored. */
export const EMPTY_TREE: Tree = { folders: [], links: [], packs: [] };

/** The most folders, links and files of a project. */
export const MAX_ENTRIES = 262_144;

/** The number of folders, links and files of a project. */
function entryCount({ folders, links, packs }: Tree): number {
  return packs.reduce((sum, { files }) => sum + files.length, folders.length + links.length);
}

/**
 * Checks a tree from another machine: nothing in it leads out of the root, and no entry lies below a file
 * or a link.
 *
 * @param cwd The path of a folder that also has to exist, empty for the root.
 * @param main The path of another file in the project, if there is one.
 * @throws {ProtocolError} If it is invalid.
 */
export function checkTree(tree: Tree, cwd: string, main?: string): void {
  const count = entryCount(tree);
  if (count > MAX_ENTRIES) throw refusal(`it has ${count} entries, the limit is ${MAX_ENTRIES}`);
  const leaves = main === undefined ? [] : [main];
  for (const link of tree.links) {
    leaves.push(link.path);
    if (!staysInside(link)) {
      throw refusal(`the link ${quoted(link.path)} leads out of it, to ${quoted(link.target)}`);
    }
  }
  for (const { manifest, files } of tree.packs) {
    let size = 0;
    for (const file of files) {
      leaves.push(file.path);
      checkMode(file);
      if (!Number.isSafeInteger(file.size) || file.size < 0) {
        throw refusal(`the size of ${quoted(file.path)} is ${file.size}`);
      }
      size += file.size;
    }
    if (files.length > 1 && size > PIECE_BYTES) {
      throw refusal(
        `a pack of ${files.length} files has ${size} bytes, the limit is ${PIECE_BYTES}`,
      );
    }
    if (size !== manifest.size) {
      throw refusal(`the files of a pack have ${size} bytes, and the pack has ${manifest.size}`);
    }
  }
  tree.folders.forEach(checkMode);
  const folders = tree.folders.map(({ path }) => path);
  const isListed = cwd === "" || folders.includes(cwd);
  checkPlaces(leaves, isListed ? folders : [...folders, cwd]);
}

/** Checks that all paths are valid and different, and none is below one of `leaves`. */
function checkPlaces(leaves: readonly string[], folders: readonly string[]): void {
  for (const paths of [leaves, folders]) paths.forEach(checkName);
  // No name contains a NUL, so everything below a path comes directly behind it.
  const sorted = [...leaves.map((path) => `${path}/`), ...folders]
    .map((path) => path.replaceAll("/", "\0"))
    .sort();
  let leaf: string | undefined;
  let last: string | undefined;
  for (const each of sorted) {
    const isLeaf = each.endsWith("\0");
    const path = isLeaf ? each : `${each}\0`;
    if (path === last) throw refusal(`it has ${shown(path)} twice`);
    if (leaf !== undefined && path.startsWith(leaf)) {
      throw refusal(`it has something below ${shown(leaf)}, which is no folder`);
    }
    last = path;
    if (isLeaf) leaf = path;
  }
}

/** All folders that exist in a tree, each after the folder that it is in. */
export function foldersIn({ folders, links, packs }: Tree, cwd: string): string[] {
  const paths = [folders, links, ...packs.map(({ files }) => files)].flat().map(({ path }) => path);
  const listed = folders.map(({ path }) => `${path}/`);
  return [...foldersOf([...paths, ...listed], cwd)].sort();
}

/** The folders above each of the paths, and `cwd`; of a path that ends with `/`, also itself. */
function foldersOf(paths: readonly string[], cwd: string): Set<string> {
  const found = new Set<string>();
  for (const path of cwd === "" ? paths : [...paths, `${cwd}/`]) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      // The folders above that one are known, too.
      if (found.has(folder)) break;
      found.add(folder);
    }
  }
  return found;
}

/**
 * Whether a link stays below the root. No entry lies below a link, so the folder that it is in is none, and
 * each `..` leads one folder up. The names after that only lead down, or through other links.
 */
export function staysInside({ path, target }: TreeLink): boolean {
  if (target === ".") return true;
  const parts = target.split("/");
  let up = 0;
  while (parts[up] === "..") up++;
  if (up >= path.split("/").length) return false;
  return parts.slice(up).every((part) =>
    part !== "" && part !== "." && part !== ".." && !/[\0\\]/.test(part)
  );
}

function checkMode({ path, mode }: TreeFolder | PackedFile): void {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw refusal(`the mode of ${quoted(path)} is ${mode}`);
  }
}

function refusal(why: string): ProtocolError {
  return new ProtocolError(`Cannot mirror the project: ${why}`);
}

function shown(path: string): string {
  return quoted(path.slice(0, -1).replaceAll("\0", "/"));
}

function quoted(path: string): string {
  return JSON.stringify(path);
}
