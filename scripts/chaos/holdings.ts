/** What the parts of a test's cluster hold: files, memory, children, run folders. */

import { dirname } from "@std/path/posix/dirname";
import type { TestCluster } from "deploy/testing";
import { type OsProcess, processesNaming } from "../../src/testing/os_processes.ts";
import { run } from "../bench/tools.ts";
import { usageOf } from "../soak/usage.ts";
import { socketsOf } from "./sockets.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** What one part holds. */
export interface Holding {
  /** How many open files of each kind: `socket`, `pipe`, or a path. */
  readonly files: Readonly<Record<string, number>>;
  /** What its sockets are. */
  readonly sockets: readonly string[];
  /** Resident memory, in MiB. */
  readonly memMiB: number;
  /** The processes that it has started and that run. */
  readonly children: number;
}

/** What a whole cluster holds. */
export interface Holdings {
  /** By part: `master`, `bridge`, `node 1` … */
  readonly parts: Readonly<Record<string, Holding>>;
  /** What `deploy nodes` says, a line each, in the order of addresses. */
  readonly nodes: readonly string[];
  /** The folders of runs in the stores. */
  readonly runFolders: readonly string[];
}

/** How much more memory a part may hold at the end: what V8 has not collected, and caches. */
const MEM_FACTOR = 1.5;
const MEM_MORE_MIB = 64;

/** What is held after, and was not before, in a line each; empty if all is as it was. */
export function heldMore(before: Holdings, after: Holdings): string[] {
  const found: string[] = [];
  for (const [part, old] of Object.entries(before.parts)) {
    const now = after.parts[part];
    if (now === undefined) {
      found.push(`${part} does not run`);
      continue;
    }
    const [count, oldCount] = [sumOf(now.files), sumOf(old.files)];
    if (count > oldCount) {
      const more = Object.entries(now.files).flatMap(([kind, each]) => {
        const grown = each - (old.files[kind] ?? 0);
        return grown > 0 ? [`${grown} more: ${kind}`] : [];
      });
      const sockets = `${now.sockets.join(", ")}; before: ${old.sockets.join(", ")}`;
      found.push(
        `${part} has ${count} files open, not ${oldCount} (${
          more.join(", ")
        }; sockets: ${sockets})`,
      );
    }
    if (now.children > old.children) {
      found.push(`${part} has ${now.children} children, not ${old.children}`);
    }
    const limit = Math.round(old.memMiB * MEM_FACTOR + MEM_MORE_MIB);
    if (now.memMiB > limit) found.push(`${part} has ${now.memMiB} MiB, more than ${limit}`);
  }
  for (const [index, line] of after.nodes.entries()) {
    if (line !== before.nodes[index]) {
      found.push(`deploy nodes says ${line}, not ${before.nodes[index]}`);
    }
  }
  if (after.nodes.length < before.nodes.length) {
    found.push(`deploy nodes lists ${after.nodes.length} nodes, not ${before.nodes.length}`);
  }
  return [...found, ...after.runFolders.map((path) => `the folder of a run: ${path}`)];
}

/** The processes of the parts, by their names. */
export async function partsOf(
  cluster: Pick<TestCluster, "secretFile">,
): Promise<Map<string, OsProcess>> {
  const folder = dirname(cluster.secretFile);
  const parts = new Map<string, OsProcess>();
  for (const process of await processesNaming(folder)) {
    const store = new RegExp(`--store ${folder}/store-(\\d+) `).exec(process.command);
    if (process.parent !== Deno.pid || store === null) continue;
    parts.set(store[1] === "0" ? "master" : `node ${store[1]}`, process);
  }
  const master = parts.get("master")?.id;
  const fabrics = await processesNaming("/fabric.ts");
  const bridge = fabrics.find(({ parent }) => parent === master);
  if (bridge !== undefined) parts.set("bridge", bridge);
  return parts;
}

/** What the cluster holds now. @throws {Error} If `deploy nodes` fails. */
export async function holdingsOf(cluster: TestCluster): Promise<Holdings> {
  const parts: Record<string, Holding> = {};
  const all = await processesNaming("");
  for (const [name, { id }] of await partsOf(cluster)) {
    const children = all.filter(({ parent }) => parent === id).length;
    const { memMiB } = usageOf(id, 0);
    parts[name] = { files: filesOf(id), sockets: await socketsOf(id), memMiB, children };
  }
  const args = ["run", "-A", CLI, "nodes", "--format", "json", "--secret-file", cluster.secretFile];
  const env = { DEPLOY_BRIDGE: cluster.bridge };
  const { stdout } = await run(Deno.execPath(), args, { env });
  const nodes = stdout.trim().split("\n").toSorted();
  return { parts, nodes, runFolders: await runFoldersOf(dirname(cluster.secretFile)) };
}

/** The open files of a process, by kind. */
function filesOf(id: number): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { name } of Deno.readDirSync(`/proc/${id}/fd`)) {
    const kind = kindOf(`/proc/${id}/fd/${name}`);
    if (kind !== undefined) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

/** The kind of an open file; `undefined` if it is closed meanwhile. */
function kindOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path).replace(/:\[\d+\]$/, "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, each) => sum + each, 0);
}

/** The folders of runs in the stores in that folder, each in the folder of a part that uses the store. */
async function runFoldersOf(folder: string): Promise<string[]> {
  const stores = (await namesIn(folder)).filter((name) => name.startsWith("store-"));
  const found: string[] = [];
  for (const store of stores) {
    const live = `${folder}/${store}/live`;
    for (const owner of await namesIn(live)) {
      const runs = `${live}/${owner}/runs`;
      found.push(...(await namesIn(runs)).map((name) => `${runs}/${name}`));
    }
  }
  return found;
}

/** The names in a folder; none, if it is none, or is gone. */
async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}
