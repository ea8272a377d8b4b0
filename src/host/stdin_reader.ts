/** Whether a process waits for its stdin, as far as Linux tells. */

/** The numbers of `read` and `readv`, by the processor's architecture. */
const READ_CALLS: Readonly<Record<string, readonly number[]>> = {
  x86_64: [0, 19],
  aarch64: [63, 65],
};

/**
 * Whether process `id` may be waiting for its stdin: one of its threads is in a read of it, or it has a
 * child with the same stdin. `undefined` if this system does not tell.
 *
 * Deno reads stdin by a thread that waits in `read`, and so do most other programs.
 */
export function readsStdin(id: number): boolean | undefined {
  try {
    const stdin = linkOf(`/proc/${id}/fd/0`);
    if (stdin === undefined) return false;
    for (const { name } of Deno.readDirSync(`/proc/${id}/task`)) {
      const thread = `/proc/${id}/task/${name}`;
      const fd = readCall(textOf(`${thread}/syscall`) ?? "", Deno.build.arch);
      if (fd !== undefined && linkOf(`/proc/${id}/fd/${fd}`) === stdin) return true;
      const children = textOf(`${thread}/children`)?.split(" ") ?? [];
      if (children.some((child) => child !== "" && hasStdin(child, stdin, id))) return true;
    }
    return false;
  } catch {
    // There is no /proc on macOS, some systems hide system calls, and reading it needs all permissions.
    return undefined;
  }
}

/** Whether a child of `parent` has that stdin. Until it has executed its own program, it does not count. */
function hasStdin(child: string, stdin: string, parent: number): boolean {
  return linkOf(`/proc/${child}/fd/0`) === stdin &&
    textOf(`/proc/${child}/cmdline`) !== textOf(`/proc/${parent}/cmdline`);
}

/** The file that is being read, according to `/proc/PID/syscall`; `undefined` if none is. */
export function readCall(text: string, arch: string): number | undefined {
  const [call = "", fd = ""] = text.split(" ");
  if (call === "" || !READ_CALLS[arch]?.includes(Number(call))) return undefined;
  return Number(fd);
}

/** `undefined` if there is no such file any more. */
function linkOf(path: string): string | undefined {
  return ifThere(() => Deno.readLinkSync(path));
}

function textOf(path: string): string | undefined {
  return ifThere(() => Deno.readTextFileSync(path));
}

function ifThere(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // ESRCH: the process or thread has just ended. Deno has no class for that.
    if (error instanceof Error && error.message.includes("(os error 3)")) return undefined;
    throw error;
  }
}
