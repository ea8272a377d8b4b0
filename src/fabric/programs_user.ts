/** `fabric --user NAME`: finds the user as whom programs are to run, and checks that they can. */

import { messageOf } from "../core/errors.ts";
import { UsageError } from "../core/usage_error.ts";
import {
  becoming,
  lackedCapabilities,
  mapsAllGroups,
  parseGroups,
  parsePasswd,
  type ProgramUser,
  SETPRIV,
} from "../host/program_user.ts";

/**
 * Finds that user.
 *
 * @throws {UsageError} If there is none of that name, or this process can run nothing as another user. The message is
 * one line, which says what to do.
 */
export async function findProgramUser(name: string): Promise<ProgramUser> {
  const refuse = (why: string) => new UsageError(`Cannot run programs as ${name}: ${why}`);
  if (Deno.build.os !== "linux") throw refuse("that needs Linux; leave out --user");
  const found = parsePasswd(await runHere(["getent", "passwd", name]) ?? "");
  const groups = found && parseGroups(await runHere(["id", "-G", "--", found.name]) ?? "");
  if (found === undefined || groups === undefined) {
    throw refuse(
      `this machine has no such user; make one with: useradd --system --create-home ${name}`,
    );
  }
  const marksGroups = mapsAllGroups(await Deno.readTextFile("/proc/self/gid_map"));
  const user: ProgramUser = { ...found, groups, marksGroups };
  if (user.uid === 0) throw refuse("that is root; name a user that may do little");
  if (user.uid === Deno.uid()) throw refuse("fabric itself runs as that user; leave out --user");
  const lacked = lackedCapabilities(
    await Deno.readTextFile("/proc/self/status"),
    Deno.uid() === 0,
  );
  if (lacked.length > 0) {
    throw refuse(
      `this process lacks ${lacked.join(", ")}; start fabric as root, or leave out --user`,
    );
  }
  if (await runHere([SETPRIV, "--version"]) === undefined) {
    throw refuse(`there is no ${SETPRIV}; install util-linux`);
  }
  return user;
}

/** What programs must be able to get at. */
export interface NeededPlaces {
  /** Folders that they enter. */
  readonly folders: readonly string[];
  /** The runtime. */
  readonly execPath: string;
}

/**
 * Checks that the user can get at these.
 *
 * @throws {UsageError} If not, with one line.
 */
export async function checkProgramUser(
  user: ProgramUser,
  { folders, execPath }: NeededPlaces,
): Promise<void> {
  const script =
    `for at in "$@"; do if ! cd "$at" 2>/dev/null; then echo "folder $at"; exit; fi; done; ` +
    `"$0" --version >/dev/null 2>&1 || { echo "runtime $0"; exit; }; echo ok`;
  const said = await runHere([...becoming(user), "/bin/sh", "-c", script, execPath, ...folders]);
  if (said === "ok\n") return;
  const [kind, path] = [said?.split(" ", 1)[0], said?.slice(said.indexOf(" ") + 1).trimEnd()];
  throw new UsageError(
    `Cannot run programs as ${user.name}: ` + (
      kind === "folder"
        ? `that user cannot enter ${path}; name another place with --store or TMPDIR, or allow it on the way there: ` +
          "chmod a+x"
        : kind === "runtime"
        ? `that user cannot execute ${path}; put it where everybody can, such as /usr/local/bin`
        : `${SETPRIV} fails; see what it says to: ${becoming(user).join(" ")} true`
    ),
  );
}

/** What a command writes to stdout, with no variables but `PATH`; `undefined` if it cannot be run, or fails. */
async function runHere([command = "", ...args]: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      ...{ args, cwd: "/", clearEnv: true, stdin: "null", stderr: "null" },
      env: { PATH: Deno.env.get("PATH") ?? "", DENO_NO_UPDATE_CHECK: "1" },
    }).output();
    return success ? new TextDecoder().decode(stdout) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new UsageError(`Cannot run ${command}: ${messageOf(error)}`);
  }
}
