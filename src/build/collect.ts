/** Collects what is mirrored of a project: folders, links and files, as they lie here. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { onOneLine, problemOfPath } from "../core/file_names.ts";
import { MAX_ENTRIES, staysInside, type TreeFolder, type TreeLink } from "../core/tree.ts";
import { type FolderRules, IgnoreFiles, isLeftOut } from "./ignore_files.ts";
import { type IgnoreRule, isIgnored } from "./ignore_rules.ts";
import { entriesOf, kindOf, look, modeOf, realPath, refusal } from "./local_entries.ts";
import { oddNames } from "./odd_names.ts";
import { below, contains, parentOf, relative } from "./project.ts";

/** A file to ship. */
export interface LocalFile {
  /** Its path here. */
  readonly source: string;
  /** Its path below the root of the project. */
  readonly path: string;
  readonly mode: number;
  readonly size: number;
}

/** What was collected, each sorted by path. */
export interface Collected {
  readonly folders: readonly TreeFolder[];
  readonly links: readonly TreeLink[];
  readonly files: readonly LocalFile[];
  /** One line for each thing that is left out because it cannot be shipped. */
  readonly leftOut: readonly string[];
  /** One line for each link that leads out of the project: what it leads to is shipped in its place. */
  readonly followed: readonly string[];
}

/** How many entries are looked at before a signal to stop can be noticed. */
const TURN_ENTRIES = 256;

/** The kernel follows this many links in one path. */
const MAX_LINKS = 40;

export class Collector {
  readonly #root: string;
  readonly #excludes: readonly IgnoreRule[];
  readonly #ignoreFiles: IgnoreFiles;
  readonly #signal: AbortSignal | undefined;
  readonly #folders = new Map<string, number>();
  readonly #links = new Map<string, string>();
  readonly #files = new Map<string, LocalFile>();
  readonly #leftOut = new Map<string, string>();
  /** The links that lead out of the project, and what they lead to. */
  readonly #followed = new Map<string, string>();
  /** The folders whose contents were added. */
  readonly #walked = new Set<string>();
  /** The folders, by their paths here, whose names may not be UTF-8, and the rules that apply in them. */
  readonly #unchecked = new Map<string, FolderRules>();
  /** The links whose targets may not have been added yet. */
  readonly #targets: string[] = [];
  #looked = 0;

  /**
   * @param root The absolute path of the root, without links.
   * @param options `excludes` are rules of the user, which apply to everything; `configured` are those of the
   * configuration, which apply, as `.gitignore` files do, to what is found in a folder, and not to what is named.
   */
  constructor(
    root: string,
    options: {
      readonly excludes?: readonly IgnoreRule[];
      readonly configured?: readonly IgnoreRule[];
      readonly signal?: AbortSignal;
    } = {},
  ) {
    this.#root = root;
    this.#excludes = options.excludes ?? [];
    this.#signal = options.signal;
    this.#ignoreFiles = new IgnoreFiles(root, options.configured);
  }

  /**
   * Adds a file, or a folder with everything in it but `.git` and what its `.gitignore` files and the configuration
   * leave out.
   *
   * What is named here itself is added, whatever those say. A link that leads to something else in the project
   * stays a link, and what it leads to is added; in place of one that leads out of the project, what it leads to is
   * added, and that is said.
   *
   * @param path An absolute path below the root.
   * @returns Whether there is such a file or folder.
   * @throws {UsageError} If it cannot be shipped.
   */
  async add(path: string): Promise<boolean> {
    const found = this.#resolve(below(this.#root, path));
    if (found === undefined) return false;
    await this.#addNamed(found);
    await this.#addTargets();
    await this.#refuseOddNames();
    return true;
  }

  /**
   * Adds a file that lies elsewhere here, `source`, at a path below the root, if it is not excluded.
   *
   * @throws {UsageError} If it cannot be shipped.
   */
  addFrom(source: string, path: string): void {
    const info = Deno.statSync(source);
    if (this.#isExcluded(path, false)) return;
    this.#check(path);
    this.#files.set(path, { source, path, mode: modeOf(info, 0o644), size: info.size });
  }

  /** Adds a folder without what is in it, if it exists. The path is one below the root. */
  addFolder(path: string): void {
    const found = this.#resolve(path);
    if (found?.info.isDirectory === true) this.#addFolder(found.path, found.info);
  }

  collected(): Collected {
    return {
      folders: byPath(Array.from(this.#folders, ([path, mode]) => ({ path, mode }))),
      links: byPath(Array.from(this.#links, ([path, target]) => ({ path, target }))),
      files: byPath([...this.#files.values()]),
      leftOut: [...this.#leftOut].sort().map(([path, why]) =>
        `${onOneLine(path)} is left out: ${why}`
      ),
      followed: [...this.#followed].sort().map(([path, real]) =>
        `${onOneLine(path)} links to ${
          onOneLine(real)
        }, outside of the project: that is shipped in its place`
      ),
    };
  }

  /**
   * Finds what a path below the root leads to. Links on the way that stay in the project are added. What lies
   * behind one that leads out of the project is taken to lie at the place of the link.
   */
  #resolve(path: string): Found | undefined {
    let at = "";
    let isOutside = false;
    let info = look(this.#source(at));
    const parts = path.split("/").reverse();
    for (let hops = 0; parts.length > 0;) {
      const part = parts.pop()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (at === "") return undefined;
        at = parentOf(at);
        info = look(this.#source(at));
        continue;
      }
      at = at === "" ? part : `${at}/${part}`;
      info = look(this.#source(at));
      if (info?.isSymlink !== true) continue;
      const real = realPath(this.#source(at));
      if (real === undefined || ++hops > MAX_LINKS) return undefined;
      if (contains(this.#root, real)) {
        const target = this.#addLink(at, real, isOutside);
        parts.push(...target.split("/").reverse());
        at = parentOf(at);
        // A link from outside leads back into the project.
        isOutside = false;
      } else {
        isOutside = true;
        this.#followed.set(at, real);
        info = Deno.statSync(this.#source(at));
      }
    }
    return info && { path: at, info, isOutside };
  }

  async #addNamed({ path, info, isOutside }: Found): Promise<void> {
    if (this.#isExcluded(path, info.isDirectory)) return;
    if (info.isFile) return this.#addFile(path, info);
    if (!info.isDirectory) return this.#leaveOut(path, `it is ${kindOf(info)}`);
    const above = isOutside ? [realPath(this.#source(path)) ?? ""] : [];
    const rules = this.#ignoreFiles.above(this.#source(path));
    await this.#walk({ path, info, isOutside }, rules, above);
  }

  /** `above` are the real paths of the folders above it, as far as they are outside of the project. */
  async #walk(
    { path, info, isOutside }: Found,
    rulesAbove: FolderRules,
    above: readonly string[],
  ): Promise<void> {
    this.#addFolder(path, info);
    this.#walked.add(path);
    const rules = this.#ignoreFiles.within(rulesAbove, this.#source(path));
    this.#unchecked.set(this.#source(path), rules);
    for (const { name, isDirectory } of entriesOf(this.#source(path), path)) {
      if (++this.#looked % TURN_ENTRIES === 0) await this.#turn();
      if (name === ".git") continue;
      const child = path === "" ? name : `${path}/${name}`;
      const subject = { path: this.#source(child), isFolder: isDirectory };
      if (isIgnored(this.#excludes, subject) || isLeftOut(rules, subject)) continue;
      const found = look(this.#source(child));
      // It has just been removed, or its name is not UTF-8: see below.
      if (found === undefined) continue;
      if (found.isSymlink) await this.#walkLink(child, isOutside, rules, above);
      else if (found.isFile) this.#addFile(child, found);
      else if (found.isDirectory) {
        await this.#walk({ path: child, info: found, isOutside }, rules, above);
      } else this.#leaveOut(child, `it is ${kindOf(found)}`);
    }
  }

  async #walkLink(
    path: string,
    isOutside: boolean,
    rules: FolderRules,
    above: readonly string[],
  ): Promise<void> {
    const source = this.#source(path);
    const real = realPath(source);
    if (real === undefined) return this.#leaveOutLink(path);
    if (contains(this.#root, real)) {
      this.#addLink(path, real, isOutside);
      this.#targets.push(path);
      return;
    }
    const info = Deno.statSync(source);
    if (info.isFile || info.isDirectory) this.#followed.set(path, real);
    if (info.isFile) return this.#addFile(path, info);
    if (!info.isDirectory) return this.#leaveOut(path, `it links to ${kindOf(info)}`);
    if ([this.#root, ...above].some((folder) => contains(real, folder))) {
      throw refusal(path, `it links to ${real}, which contains it`);
    }
    await this.#walk({ path, info, isOutside: true }, rules, [...above, real]);
  }

  /** Adds what links lead to, if that is not there yet. */
  async #addTargets(): Promise<void> {
    while (this.#targets.length > 0) {
      const link = this.#targets.pop()!;
      const target = this.#links.get(link);
      const found = this.#resolve(`${parentOf(link)}/${target}`);
      if (found === undefined) {
        this.#links.delete(link);
        this.#leaveOutLink(link);
      } else if (this.#isExcluded(found.path, found.info.isDirectory)) {
        this.#links.delete(link);
        this.#leaveOut(link, `it links to ${onOneLine(found.path)}, which is excluded`);
      } else if (!this.#isThere(found.path, link)) await this.#addNamed(found);
    }
  }

  async #refuseOddNames(): Promise<void> {
    if (this.#unchecked.size === 0) return;
    for (const path of await oddNames([...this.#unchecked.keys()])) {
      const rules = this.#unchecked.get(dirname(path))!;
      const subject = { path, isFolder: false };
      if (isIgnored(this.#excludes, subject) || isLeftOut(rules, subject)) continue;
      throw refusal(below(this.#root, path), "its name is not UTF-8");
    }
    this.#unchecked.clear();
  }

  /** Whether something is there without being added: a folder that contains the link is. */
  #isThere(path: string, link: string): boolean {
    return this.#files.has(path) || this.#walked.has(path) || path === "" || contains(path, link);
  }

  /**
   * Adds a link to `real`, an absolute path in the project, and returns its target. Its text is kept, if it means
   * the same in the mirrored project.
   */
  #addLink(path: string, real: string, isOutside: boolean): string {
    const text = Deno.readLinkSync(this.#source(path));
    const isKept = !isOutside && staysInside({ path, target: text });
    const target = isKept ? text : relative(parentOf(path), below(this.#root, real));
    this.#check(path);
    this.#links.set(path, target);
    return target;
  }

  #addFile(path: string, info: Deno.FileInfo): void {
    this.#check(path);
    this.#files.set(path, {
      source: this.#source(path),
      path,
      mode: modeOf(info, 0o644),
      size: info.size,
    });
  }

  #addFolder(path: string, info: Deno.FileInfo): void {
    if (path === "") return;
    this.#check(path);
    this.#folders.set(path, modeOf(info, 0o755));
  }

  #leaveOutLink(path: string): void {
    const text = Deno.readLinkSync(this.#source(path));
    this.#leaveOut(path, `it links to ${onOneLine(text)}, which does not exist`);
  }

  #leaveOut(path: string, why: string): void {
    this.#leftOut.set(path, why);
  }

  #check(path: string): void {
    const why = problemOfPath(path);
    if (why !== undefined) throw refusal(path, why);
    const count = this.#folders.size + this.#links.size + this.#files.size;
    if (count < MAX_ENTRIES) return;
    throw refusal(path, `there are more than ${MAX_ENTRIES} files, folders and links with it`);
  }

  #isExcluded(path: string, isFolder: boolean): boolean {
    if (isIgnored(this.#excludes, { path: this.#source(path), isFolder })) return true;
    return path !== "" && this.#isExcluded(parentOf(path), true);
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    this.#signal?.throwIfAborted();
  }

  /** Where something below the root is here. */
  #source(path: string): string {
    if (path === "") return this.#root;
    return this.#root === "/" ? `/${path}` : `${this.#root}/${path}`;
  }
}

/** Something in the project, or behind a link in it. */
interface Found {
  /** Its path below the root. */
  readonly path: string;
  readonly info: Deno.FileInfo;
  /** Whether it is behind a link that leads out of the project. */
  readonly isOutside: boolean;
}

function byPath<T extends { readonly path: string }>(items: T[]): T[] {
  return items.sort((one, other) => one.path < other.path ? -1 : 1);
}
