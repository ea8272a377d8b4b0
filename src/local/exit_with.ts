/** What the launcher says on stderr in its own name, and how it exits early. */

export function say(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // stderr has no reader, so the error cannot be shown.
  }
}

/** Exits with that code, after one line that says why. */
export function exitWith(code: number, line: string): never {
  say(`deploy: ${line}\n`);
  Deno.exit(code);
}
