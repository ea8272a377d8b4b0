/** Finds the `deno` that builds a user's programs. */

import { BuildError } from "./build_error.ts";

/** The facts about this process and machine that the search uses. */
export interface Host {
  /** Whether this process is an executable made by `deno compile`, which cannot build anything. */
  readonly standalone: boolean;
  readonly execPath: string;
  readonly os: typeof Deno.build.os;
  variable(name: string): string | undefined;
  isFile(path: string): Promise<boolean>;
}

/** This process and this machine. */
const thisHost: Host = {
  standalone: Deno.build.standalone,
  execPath: Deno.execPath(),
  os: Deno.build.os,
  variable: (name) => Deno.env.get(name),
  async isFile(path): Promise<boolean> {
    try {
      return (await Deno.stat(path)).isFile;
    } catch {
      // Missing, or in an unreadable folder: it cannot be run in either case.
      return false;
    }
  },
};

/**
 * The path of a deno: the one that `DEPLOY_DENO` names, else the one that runs this process, else the first
 * on the `PATH`.
 *
 * @throws {BuildError} If there is none; the message says where to get it.
 */
export async function findDeno(host: Host = thisHost): Promise<string> {
  const named = host.variable("DEPLOY_DENO") ?? "";
  if (named !== "") {
    if (await host.isFile(named)) return named;
    throw new BuildError(
      `Cannot build program: DEPLOY_DENO is ${named}, which is not a file; ` +
        "expected the path of a deno",
    );
  }
  if (!host.standalone) return host.execPath;
  const [separator, slash, name] = host.os === "windows"
    ? [";", "\\", "deno.exe"]
    : [":", "/", "deno"];
  for (const folder of (host.variable("PATH") ?? "").split(separator)) {
    if (folder !== "" && await host.isFile(folder + slash + name)) return folder + slash + name;
  }
  throw new BuildError(
    "Cannot build program: there is no deno on the PATH; get it from https://deno.com, " +
      "or name it in DEPLOY_DENO",
  );
}
