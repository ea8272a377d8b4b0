/** Peers that are measured if their tools are installed. */

/** The path of a program on the `PATH`; `undefined` if there is none. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${folder}/${name}`;
    try {
      if (folder !== "" && (await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
        throw error;
      }
    }
  }
  return undefined;
}

/** Runs a command to its end; gives its stdout. @throws {Error} If it fails; with its stderr. */
export async function run(
  path: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ stdout: string; stderr: string }> {
  const output = await new Deno.Command(path, { ...options, args: [...args], stdin: "null" })
    .output();
  const text = new TextDecoder();
  const [stdout, stderr] = [text.decode(output.stdout), text.decode(output.stderr)];
  if (output.success) return { stdout, stderr };
  throw new Error(`${[path, ...args].join(" ")} ended with ${output.code}:\n${stdout}${stderr}`);
}
