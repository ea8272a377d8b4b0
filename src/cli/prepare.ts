/** Prepares a deployment before anything is sent: builds the program, and collects its files. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { UsageError } from "../core/usage_error.ts";
import { formatMem } from "../core/resources.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import { manifestOf } from "../store/manifest_of.ts";
import { decodeRunSpec, encodeRunSpec, type RunSpec } from "../wire/run_spec.ts";
import type { Progress } from "../terminal/progress.ts";
import { ProtocolError } from "../core/errors.ts";
import { inProject, PROJECT_FOLDER } from "../core/run_layout.ts";
import { build, type Built } from "../build/build.ts";
import { type ProgramSettings, programSettings } from "./program_settings.ts";
import type { RunCommand } from "./deploy_arguments.ts";
import { readProgram } from "../build/entry.ts";
import { look } from "../build/local_entries.ts";
import { findProject, type Project } from "../build/project.ts";
import { packFiles } from "../build/packs.ts";
import type { Source } from "../build/piece_source.ts";
import { absolutePath, collectIncluded, notIncluded } from "./collect_included.ts";
import { collectNamed } from "./collect_named.ts";
import type { Deployed } from "./session.ts";

/**
 * Checks the arguments of a deployment, which takes a few milliseconds: what is wrong with them is said before
 * anything begins.
 *
 * @param program The path of the program.
 * @throws {BuildError} If there is no such program.
 * @throws {UsageError} If the command names anything else that is not there.
 */
export async function checkArguments(
  command: RunCommand,
  program: string,
): Promise<ProgramSettings> {
  readProgram(program);
  for (const path of command.include) {
    if (look(absolutePath(path)) === undefined) throw notIncluded(path);
  }
  return await programSettings(command.deno, program);
}

/** Options for preparing a program. */
export interface Preparation {
  /** What {@linkcode checkArguments} has returned. */
  readonly chosen: ProgramSettings;
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
  const { chosen, program, env, oneOutput, folder, progress, say, stop } = preparation;
  const others = command.include.map(absolutePath);
  const project = findProject(absolutePath(program), Deno.cwd(), others);
  const { root } = project;
  const { configured } = chosen;
  const collecting = collectIncluded(command, { root, configured, signal: stop });
  collecting.catch(() => {}); // awaited below
  const built = await build({
    ...chosen,
    program,
    place: project.program,
    release: command.release,
    runtimeApart: true,
    withSources: command.inspection !== undefined,
    folder,
    signal: stop,
    checked: command.check,
    onStep: (step) => progress.step(STEPS[step]),
  });
  if (built.kind === "executable" && command.inspection !== undefined) {
    throw new UsageError(
      `Cannot inspect ${program}: executables have no source maps; deploy its source instead`,
    );
  }
  progress.done(
    `built ${program}: ${formatMem(built.size)}, ${(built.ms / 1_000).toFixed(1)} s`,
  );
  const collector = await collecting;
  const warnings = await collectNamed(built.loose, {
    ...chosen,
    collector,
    root,
    program,
    folder,
    signal: stop,
  });
  const { files: collected, folders, links, leftOut, followed } = collector.collected();
  const mainPath = mainOf(built, project, command.release);
  // An executable of the user is the main file already.
  const files = collected.filter(({ path }) => inProject(path) !== mainPath);
  const found = [
    ...shortened(leftOut, "are left out"),
    ...shortened(followed, "lead out of the project"),
  ];
  for (const warning of [...chosen.warnings, ...built.warnings, ...warnings, ...found]) {
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
    ...(command.inspection && { inspection: command.inspection }),
    tree: { folders, links, packs: packed.packs },
  };
  const sources = [main, ...packed.sources, ...(runtime === undefined ? [] : [runtime])];
  return { spec: checked(spec), sources, resources: command.resources };
}

/** What is shown while a step of the build is done. */
const STEPS = { check: "checking types", bundle: "bundling", compile: "compiling" } as const;

/** Reading fewer files is not worth telling. */
const MANY_FILES = 1_000;

/** The most lines of a kind. */
const MAX_LINES = 20;

function shortened(lines: readonly string[], what: string): string[] {
  if (lines.length <= MAX_LINES) return [...lines];
  return [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more ${what}`];
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
