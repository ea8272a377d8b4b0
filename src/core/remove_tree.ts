/** Removes a folder with whatever a program has left in it. */

/** Up to so many entries, and so deep, a folder is removed here; beyond that, a process of its own does it. */
const MAX_ENTRIES = 1_000;
const MAX_DEPTH = 16;

/**
 * Removes a file, or a folder with its contents; one that is not there is removed already.
 *
 * Contents may be folders whose modes do not allow that, links, which are not followed, a million files, or folders in
 * folders, 20,000 deep: those would end this process if Deno removed them, whose stack they exceed.
 *
 * @throws {Error} If something cannot be removed. The message is one line.
 * @throws The reason of `signal`; a part is left then.
 */
export async function removeTree(path: string, signal?: AbortSignal): Promise<void> {
  const left = { entries: MAX_ENTRIES };
  try {
    if (await removeSmall(path, MAX_DEPTH, left)) return;
  } catch {
    // It may be a mode, or something that was added meanwhile.
  }
  let why = await run(["rm", "-rf", "--", path], signal);
  if (why === undefined) return;
  await run(["chmod", "-R", "u+rwx", "--", path], signal);
  why = await run(["rm", "-rf", "--", path], signal);
  if (why !== undefined) throw new Error(`Cannot remove ${path}: ${why}`);
}

/**
 * The same for a folder whose contents another user may change meanwhile, if this one may remove them whatever their
 * modes are. It is left to `rm`, which cannot be led elsewhere by a folder that turns into a link.
 *
 * @throws {Error} If something cannot be removed. The message is one line.
 * @throws The reason of `signal`; a part is left then.
 */
export async function removeTreeOfOther(path: string, signal?: AbortSignal): Promise<void> {
  const why = await run(["rm", "-rf", "--", path], signal);
  if (why !== undefined) throw new Error(`Cannot remove ${path}: ${why}`);
}

/**
 * Removes it, unless it is larger than that. Whatever somebody else removes meanwhile, such as the socket that its
 * owner closes, is removed.
 */
async function removeSmall(
  path: string,
  depth: number,
  left: { entries: number },
): Promise<boolean> {
  try {
    if ((await Deno.lstat(path)).isDirectory) {
      for await (const { name } of Deno.readDir(path)) {
        if (depth === 0 || --left.entries < 0) return false;
        if (!await removeSmall(`${path}/${name}`, depth - 1, left)) return false;
      }
    }
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

/** Runs a command; resolves with the last line of its stderr, if it fails. */
async function run(
  [command = "", ...args]: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  signal?.throwIfAborted();
  const { success, code, stderr } = await new Deno.Command(command, {
    args,
    ...signal && { signal },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  signal?.throwIfAborted();
  if (success) return undefined;
  const lines = new TextDecoder().decode(stderr.subarray(-4_096)).trim().split("\n");
  return lines.at(-1) || `${command} exited with ${code}`;
}
