/** Deploys whole programs, as a user would, and returns the results. */

import config from "../../deno.json" with { type: "json" };
import { EventRecorder, type ProcessRecord } from "../../src/testing/events.ts";
import { writeStdin } from "../../src/testing/write_stdin.ts";
import { SECRET_FILE } from "../secret.ts";

/** The path of deploy. */
export const CLI: string = new URL("../../cli.ts", import.meta.url).pathname;

/** The maximum time for a deployment of a test, even on a slow machine. */
const LIMIT_MS = 180_000;

/** A folder with a program. Disposing of it removes the folder. */
export class Project implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Makes a folder with these files, by their names; `import … from "deploy"` works in them. `config`
   * is added to its deno.json, and `moreImports` to the imports in it.
   */
  static async make(
    files: Record<string, string>,
    settings: object = {},
    moreImports: Record<string, string> = {},
  ): Promise<Project> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-project-" }));
    const root = new URL("../../", import.meta.url).href;
    const imports = { ...config.imports, deploy: `${root}mod.ts`, ...moreImports };
    const all = { "deno.json": JSON.stringify({ imports, ...settings }), ...files };
    for (const [name, text] of Object.entries(all)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    return new Project(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The result of a deployment. */
export interface DeployResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The result of a deployment with `--format json`. */
export interface DeployedRun extends DeployResult {
  /** In the order of their start. */
  readonly processes: readonly ProcessRecord[];
}

/** How to deploy. */
export interface DeployOptions {
  /** The working directory of deploy. */
  readonly cwd: string;
  /** The stdin of deploy. @default empty */
  readonly stdin?: Uint8Array<ArrayBuffer> | string;
  readonly env?: Record<string, string>;
  /** The deno that runs deploy. @default the one that runs the test */
  readonly deno?: string;
  /** A compiled deploy to run instead. */
  readonly command?: string;
}

/** What deploy gets, unless a test says otherwise. */
const VARIABLES = {
  ...{ DEPLOY_SECRET_FILE: SECRET_FILE, DEPLOY_BRIDGE: "", DEPLOY_FORMAT: "", NO_COLOR: "1" },
};

/** Runs deploy with these arguments, to its end. */
export async function deploy(
  args: readonly string[],
  options: DeployOptions,
): Promise<DeployResult> {
  const { cwd, stdin, env = {}, deno = Deno.execPath(), command } = options;
  const child = new Deno.Command(command ?? deno, {
    args: command === undefined ? ["run", "-A", CLI, ...args] : [...args],
    cwd,
    env: { ...VARIABLES, ...env },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const written = stdin === undefined ? undefined : writeStdin(child.stdin, stdin);
  const output = await child.output();
  await written;
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  return { code: output.code, stdout: stdout!, stderr: stderr! };
}

/** What the program `src/main.ts` of a project prints with `deno run`. */
export async function runHere(folder: string, deno: string = Deno.execPath()): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(deno, {
    args: ["run", "-A", "--quiet", "--no-lock", "src/main.ts"],
    cwd: folder,
    env: { NO_COLOR: "1", DEPLOY_FORMAT: "human" },
    stdin: "null",
  }).output();
  const [out = "", error = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code !== 0) throw new Error(error);
  return out;
}

/** As {@linkcode deploy}, with `--format json`; every process must have all of its events, in order. */
export async function deployJson(
  args: readonly string[],
  options: DeployOptions,
): Promise<DeployedRun> {
  const result = await deploy(["--format", "json", ...args], options);
  const lines = result.stdout.split("\n");
  if (lines.pop() !== "") throw new Error(`the last line is not finished: ${result.stdout}`);
  const recorder = new EventRecorder();
  for (const line of lines) recorder.add(line);
  return { ...result, processes: recorder.ended() };
}
