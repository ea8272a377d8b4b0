/** Finds names that are not UTF-8. Some versions of Deno do not list them, and none can open the files. */

/** So that the command line is not too long. */
const FOLDERS_AT_ONCE = 200;

/**
 * The paths of everything in these folders, not below, whose name is not UTF-8; invalid bytes are shown as
 * U+FFFD. Without the command `find`, and on systems that allow no such names, there are none.
 *
 * @param folders Absolute paths.
 */
export async function oddNames(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  if (Deno.build.os !== "linux") return found;
  for (let start = 0; start < folders.length; start += FOLDERS_AT_ONCE) {
    const some = folders.slice(start, start + FOLDERS_AT_ONCE);
    for (const path of splitAtNul(await list(some))) {
      const text = new TextDecoder().decode(path);
      // The character itself is a valid part of a name.
      if (text.includes("\ufffd") && !isUtf8(path)) found.push(text);
    }
  }
  return found;
}

/** The paths of everything in the folders, each followed by a NUL. */
async function list(folders: readonly string[]): Promise<Uint8Array> {
  // Folders may be links, which are followed.
  const args = ["-H", ...folders, "-mindepth", "1", "-maxdepth", "1", "-print0"];
  try {
    const command = new Deno.Command("find", { args, stdin: "null", stderr: "null" });
    return (await command.output()).stdout;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

function* splitAtNul(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    if (end < 0) return;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
