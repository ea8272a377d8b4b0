/** Runs programs at terminals of their own. Needs `script`, of util-linux. */

/** The maximum time, on a machine that does much else. */
const LIMIT_MS = 120_000;

/** What to run. */
export interface TerminalCommand {
  /** The command and its arguments, which contain no spaces. */
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Gives what the terminal shows. Each answer is typed when `asked` is shown. */
export async function atTerminal(
  { words, cwd, env }: TerminalCommand,
  answers: readonly { readonly asked: string; readonly typed: string }[],
): Promise<string> {
  const child = new Deno.Command("script", {
    // Without `exec`, a shell that waits for it could end of a signal that it handles.
    args: ["-qec", `exec ${words.join(" ")}`, "/dev/null"],
    cwd,
    env: { SHELL: "/bin/sh", NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const writer = child.stdin.getWriter();
  let shown = "";
  let next = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    for (; next < answers.length && shown.includes(answers[next]!.asked); next++) {
      await writer.write(new TextEncoder().encode(answers[next]!.typed));
    }
  }
  await writer.close().catch(() => {}); // it has ended
  await child.status;
  return shown;
}
