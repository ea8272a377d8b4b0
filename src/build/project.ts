/** The root of what is mirrored on the nodes, and the places below it. Pure, except for {@linkcode findProject}. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { findProjectFile } from "./find_config.ts";

/** A project to mirror. Paths below its root have `/` between their parts; that of the root itself is empty. */
export interface Project {
  /** The absolute path of its root, without links. */
  readonly root: string;
  /** The path of the working directory below the root. */
  readonly cwd: string;
  /** The path of the program below the root. */
  readonly program: string;
}

/**
 * The project of the program at `program`, an absolute path without links in its folders, that is deployed
 * from the folder `cwd`.
 *
 * Its root is the nearest folder, from the program's upwards, with a `deno.json`, `deno.jsonc` or
 * `package.json`; without one, the working directory. If the program, the working directory or one of
 * `others` lies outside of that, the root is the nearest folder that contains all of them: relative paths
 * between them are then the same on a node as here.
 *
 * @throws {Error} Deno's own, if a folder cannot be read.
 */
export function findProject(program: string, cwd: string, others: readonly string[]): Project {
  const file = findProjectFile(dirname(program));
  return projectWith(file === undefined ? cwd : dirname(file), { program, cwd, others });
}

/** The project that contains `root` and all of these absolute paths. */
export function projectWith(
  root: string,
  { program, cwd, others }: { program: string; cwd: string; others: readonly string[] },
): Project {
  const whole = [cwd, dirname(program), ...others].reduce(commonFolder, root);
  return { root: whole, cwd: below(whole, cwd), program: below(whole, program) };
}

/** The path of `path` below `folder`, which must contain it or be it. Both are absolute. */
export function below(folder: string, path: string): string {
  return path === folder ? "" : path.slice(folder === "/" ? 1 : folder.length + 1);
}

/** Whether `folder` contains `path`, or is it. Both are absolute. */
export function contains(folder: string, path: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** The path from the folder `from` to `to`, both below the same root. */
export function relative(from: string, to: string): string {
  const [down, up] = [to, from].map((path) => path === "" ? [] : path.split("/")) as [
    string[],
    string[],
  ];
  let same = 0;
  while (same < up.length && same < down.length && up[same] === down[same]) same++;
  const parts = [...up.slice(same).map(() => ".."), ...down.slice(same)];
  return parts.length === 0 ? "." : parts.join("/");
}

/** The path of the folder that something below a root is in; empty for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The nearest folder that contains both, or is one of them. */
function commonFolder(one: string, other: string): string {
  let folder = one;
  while (!contains(folder, other)) folder = dirname(folder);
  return folder;
}
