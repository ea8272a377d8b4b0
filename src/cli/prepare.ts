/** Prepares a deployment before anything is sent: builds the program, and collects its files. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { UsageError } from "../core/usage_error.ts";
import { formatMem } from "../core/resources.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import type { Manifest } from "../core/manifest.ts";
import { manifestOf } from "../store/manifest_of.ts";
import { decodeRunSpec, encodeRunSpec, type RunSpec } from "../wire/run_spec.ts";
import type { Progress } from "../terminal/progress.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { inProject, PROJECT_FOLDER } from "../core/run_layout.ts";
import { build, type Built } from "../build/build.ts";
import type { RunCommand } from "./deploy_arguments.ts";
import { findProject, type Project } from "../build/project.ts";
import { includedFiles } from "../build/included_files.ts";
import { findNamed } from "../build/named_files.ts";
import type { Deployed } from "./session.ts";

/** Options for preparing a program. */
export interface Preparation {
  /** Its path. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
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
  const { program, env, folder, progress, say, stop } = preparation;
  const project = await projectOf(program, command.include);
  const built = await build({
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
  const named = await findNamed(built.files, project.root);
  const included = [
    ...await includedFiles([...command.include, ...named.paths], project.root),
    ...named.packaged,
  ];
  for (const warning of [...built.warnings, ...named.warnings]) {
    progress.clear();
    say(`deploy: warning: ${warning}\n`);
  }
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const manifests = cache === undefined ? undefined : `${cache}/manifests`;
  const sources: { path: string; manifest: Manifest }[] = [];
  const beside = built.runtime === undefined ? [] : [built.runtime];
  for (const path of [built.path, ...included.map(({ source }) => source), ...beside]) {
    stop.throwIfAborted();
    sources.push({ path, manifest: await manifestOf(path, manifests) });
  }
  const spec: RunSpec = {
    kind: built.kind,
    name: basename(program),
    main: mainOf(built, project, command.release),
    cwd: project.cwd,
    manifest: sources[0]!.manifest,
    ...(built.runtime !== undefined && {
      runtime: { name: basename(built.runtime), manifest: sources.at(-1)!.manifest },
    }),
    args: command.args,
    env,
    includes: included.map(({ path, executable }, index) => ({
      path,
      executable,
      manifest: sources[index + 1]!.manifest,
    })),
  };
  return { spec: checked(spec), sources, resources: command.resources };
}

/** The project of the program, with the files and folders to include. */
async function projectOf(program: string, include: readonly string[]): Promise<Project> {
  const others = await Promise.all(include.map(realFolder));
  const folder = await realFolder(program);
  return findProject(`${folder === "/" ? "" : folder}/${basename(program)}`, Deno.cwd(), others);
}

/** The folder that something lies in, without links. It is that of the link, if `path` is one itself. */
async function realFolder(path: string): Promise<string> {
  try {
    return await Deno.realPath(dirname(path));
  } catch {
    // That it is not there is reported when it is read.
    return Deno.cwd();
  }
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
