/** Splits a command line as printed by `ps`, which separates words only by spaces. */

import { readDenoFlags } from "./deno_flags.ts";

/** What is known of the process that `ps` was asked about. */
export interface PsContext {
  /** `Deno.args`. */
  readonly args: readonly string[];
  readonly standalone: boolean;
  readonly execPath: string;
  /** `Deno.mainModule`. */
  readonly mainModule: string;
  readonly cwd: string;
}

/** Returns the words of the command line, or `undefined` if they are ambiguous. */
export function wordsFromPs(text: string, context: PsContext): string[] | undefined {
  return context.standalone ? standaloneWords(text, context) : denoWords(text, context);
}

function withoutTail(text: string, args: readonly string[]): string | undefined {
  const tail = args.map((arg) => ` ${arg}`).join("");
  return text.endsWith(tail) ? text.slice(0, text.length - tail.length) : undefined;
}

/** The first of `Deno.args` may be compiled in, and are then not on the command line. */
function standaloneWords(text: string, { args, execPath }: PsContext): string[] | undefined {
  const found: string[][] = [];
  for (let compiledIn = 0; compiledIn <= args.length; compiledIn++) {
    const given = args.slice(compiledIn);
    const executable = withoutTail(text, given);
    if (executable === undefined || basename(executable) !== basename(execPath)) continue;
    found.push([executable, ...given]);
  }
  return found.length === 1 ? found[0] : undefined;
}

function denoWords(text: string, context: PsContext): string[] | undefined {
  const head = withoutTail(text, context.args);
  if (head === undefined) return undefined;
  const { execPath } = context;
  const executable = head.startsWith(`${execPath} `) ? execPath : head.split(" ", 1)[0] ?? "";
  const words = head.slice(executable.length + 1).split(" ");
  // The script's own path may contain spaces; the main module says where it begins.
  for (let start = words.length - 1; start >= 0; start--) {
    const script = words.slice(start).join(" ");
    if (!isMainModule(script, context)) continue;
    const flags = words.slice(0, start);
    const { positional } = readDenoFlags(flags);
    // A word that is neither flag nor value is part of a value with spaces.
    const plain = positional.every((word, index) => index === 0 && word === "run");
    return plain ? [executable, ...flags, script, ...context.args] : undefined;
  }
  return undefined;
}

function isMainModule(script: string, { mainModule, cwd }: PsContext): boolean {
  if (/^(https?|npm|jsr|data|blob|file):/.test(script)) {
    // Their resolved form may look different, and none of them contains a space.
    return true;
  }
  const main = URL.parse(mainModule);
  if (main === null) return false;
  const path = decodeURIComponent(main.pathname);
  // If this process may not read its directory, the end of the path has to suffice.
  if (!cwd.startsWith("/") && !script.startsWith("/")) {
    return path.endsWith(`/${script.replace(/^\.\//, "")}`);
  }
  const url = new URL("file:///");
  url.pathname = (script.startsWith("/") ? script : `${cwd}/${script}`).replaceAll("%", "%25");
  return path === decodeURIComponent(url.pathname);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
