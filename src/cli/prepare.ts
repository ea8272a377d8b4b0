/** Prepares a deployment before anything is sent: builds the program, and collects its files. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { UsageError } from "../core/usage_error.ts";
import { formatMem } from "../core/resources.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import { manifestOf } from "../store/manifest_of.ts";
import { decodeRunSpec, encodeRunSpec, type RunSpec } from "../wire/run_spec.ts";
import type { Progress } from "../terminal/progress.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { inProject, PROJECT_FOLDER } from "../core/run_layout.ts";
import { build, type Built } from "../build/build.ts";
import { programSettings } from "./program_settings.ts";
import type { RunCommand } from "./deploy_arguments.ts";
import { findProject, type Project } from "../build/project.ts";
import { packFiles } from "../build/packs.ts";
import type { Source } from "../build/piece_source.ts";
import { absolutePath, collectIncluded } from "./collect_included.ts";
import { collectNamed } from "./collect_named.ts";
import type { Deployed } from "./session.ts";

/** Options for preparing a program. */
export interface Preparation {
  /** Its path. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whether stdout and stderr of the program's processes are one pipe. */
  readonly oneOutput: boolean;
  /** An empty folder for the output of the build. */
  readonly folder: string;
  readonly progress: Progress;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
  readonly stop: AbortSignal;
}

/**
 * Builds the program, and makes the manifests of all files to ship.
 *
 * @throws {BuildError} If it cannot be built.
 * @throws {UsageError} If it cannot be shipped as requested.
 */
export async function prepare(command: RunCommand, preparation: Preparation): Promise<Deployed> {
  const { program, env, oneOutput, folder, progress, say, stop } = preparation;
  const others = command.include.map(absolutePath);
  const project = findProject(absolutePath(program), Deno.cwd(), others);
  const collecting = collectIncluded(command, project.root, stop);
  collecting.catch(() => {}); // awaited below
  const chosen = await programSettings(command.deno, program);
  const built = await build({
    ...chosen,
    program,
    place: project.program,
    release: command.release,
    runtimeApart: true,
    folder,
    signal: stop,
    onStep: (step) => progress.step(step === "bundle" ? "bundling" : "compiling"),
  });
  progress.done(
    `built ${program}: ${formatMem(built.size)}, ${(built.ms / 1_000).toFixed(1)} s`,
  );
  const collector = await collecting;
  const warnings = await collectNamed(built.loose, {
    ...chosen,
    collector,
    root: project.root,
    program,
    folder,
    signal: stop,
  });
  const { files: collected, folders, links, leftOut } = collector.collected();
  const mainPath = mainOf(built, project, command.release);
  // An executable of the user is the main file already.
  const files = collected.filter(({ path }) => inProject(path) !== mainPath);
  for (const warning of [...built.warnings, ...warnings, ...shortened(leftOut)]) {
    progress.clear();
    say(`deploy: warning: ${warning}\n`);
  }
  if (files.length >= MANY_FILES) progress.step(`reading ${files.length} files`);
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const cacheOfManifests = cache && `${cache}/manifests`;
  const whole = async (path: string): Promise<Source> => {
    const manifest = await manifestOf(path, cacheOfManifests);
    return { manifest, parts: [{ path, size: manifest.size }] };
  };
  const main = await whole(built.path);
  const runtime = built.runtime === undefined ? undefined : await whole(built.runtime);
  const packed = await packFiles(files, { cacheFolder: cacheOfManifests, signal: stop });
  const spec: RunSpec = {
    kind: built.kind,
    name: basename(program),
    main: mainPath,
    cwd: project.cwd,
    manifest: main.manifest,
    ...(runtime && { runtime: { name: basename(built.runtime!), manifest: runtime.manifest } }),
    ...(built.kind === "bundle" && { settings: chosen.settings }),
    args: command.args,
    env,
    oneOutput,
    tree: { folders, links, packs: packed.packs },
  };
  const sources = [main, ...packed.sources, ...(runtime === undefined ? [] : [runtime])];
  return { spec: checked(spec), sources, resources: command.resources };
}

/** Reading fewer files is not worth telling. */
const MANY_FILES = 1_000;

/** The most lines about what is left out. */
const MAX_LEFT_OUT = 20;

function shortened(lines: readonly string[]): string[] {
  if (lines.length <= MAX_LEFT_OUT) return [...lines];
  const more = lines.length - MAX_LEFT_OUT;
  return [...lines.slice(0, MAX_LEFT_OUT), `and ${more} more are left out`];
}

/** Where the built program lies in the folder of the run. An executable of the user stays in its place. */
function mainOf(built: Built, project: Project, release: boolean): string {
  if (built.kind === "executable" && !release) return inProject(project.program);
  const name = basename(built.path);
  return name === PROJECT_FOLDER ? "main" : name;
}

/** Refuses here what the bridge would refuse. */
function checked(spec: RunSpec): RunSpec {
  try {
    return decodeRunSpec(encodeRunSpec(spec));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new UsageError(`Cannot ship ${spec.name}: ${error.message}`);
  }
}
