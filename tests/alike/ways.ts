/** The ways of running the project, and what a program shows in one of them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EventRecorder, type ProcessRecord } from "../../src/testing/events.ts";
import { atTerminal } from "../system/at_terminal.ts";
import { SECRET_FILE } from "../secret.ts";
import { programsIn, SHIPPED } from "./project.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** The maximum time for one run, on a machine that does much else. */
const LIMIT_MS = 180_000;

/** A variable that each program has. */
const GIVEN = "of the test";

/** A way of running the project: the words before the arguments of the program. */
export interface Way {
  readonly name: string;
  /** Runs all of `programs/`. */
  readonly words: readonly string[];
  /** Runs one of `first/`, with further variables; where building takes long, that is a program that was built before. */
  first(env: Env): { readonly words: readonly string[]; readonly env: Env };
  /**
   * Runs one of `first/` with options of `deno run`; `undefined` if they are fixed, and `refused` if the first process
   * is not started for that reason.
   */
  settings?(flags: readonly string[]): {
    readonly words: readonly string[];
    readonly env: Env;
    readonly refused: boolean;
  };
  readonly env: Env;
  /** Whether it is run on this machine, and so has its terminal. */
  readonly isLocal: boolean;
}

type Env = Readonly<Record<string, string>>;

/** The way by `deno run`. */
export function denoRun(deno: string): Way {
  const words = (flags: readonly string[]) => [
    ...[deno, "run", "-A", "--quiet", "--no-lock", ...flags, "main.ts"],
  ];
  return {
    ...local("deno run", words([])),
    settings: (flags) => ({ words: words(flags), env: { GIVEN }, refused: false }),
  };
}

/** The way as a compiled executable of the project. */
export function compiled(path: string): Way {
  return local("an executable", [path]);
}

function local(name: string, words: readonly string[]): Way {
  const first = (env: Env) => ({ words, env: { GIVEN, ...env } });
  return { name, words, first, env: { GIVEN }, isLocal: true };
}

/**
 * The way by `deploy`: a bundle, or with `release`, which is a compiled executable of the project, that.
 *
 * @param options.isCompiled Whether the fabric is, so that what it was compiled with cannot be set.
 */
export function deployed(
  name: string,
  deno: string,
  bridge: string,
  { release, isCompiled = false }: { release?: string; isCompiled?: boolean } = {},
): Way {
  const words = (flags: readonly string[], program: string, given: Env = {}): string[] => [
    ...[deno, "run", "-A", "--quiet", CLI, ...flags],
    ...Object.entries({ GIVEN, ...given }).map(([name, value]) => `--env=${name}=${value}`),
    ...SHIPPED.flatMap((path) => ["--include", path]),
    ...[bridge, program, "--"],
  ];
  const env = { DEPLOY_DENO: deno, DEPLOY_SECRET_FILE: SECRET_FILE };
  const kind = release === undefined ? [] : ["--release"];
  return {
    name,
    words: words(kind, "main.ts"),
    first: (given) => ({ words: words([], release ?? "main.ts", given), env }),
    settings: (flags) => ({
      words: words([...kind, ...flags], "main.ts"),
      env,
      refused: isCompiled && release === undefined,
    }),
    env,
    isLocal: false,
  };
}

interface FirstOutcome {
  readonly code: number;
  /** The lines that it shows, on either stream, in order; of an error the message and the first place. */
  readonly shows: readonly string[];
  /** What it leaves of its stdin. */
  readonly leaves: string;
}

/** The programs in `first/`. */
const FIRST: readonly (FirstOutcome & {
  readonly name: string;
  readonly args?: readonly string[];
  /** Variables that it has besides. */
  readonly env?: Env;
  readonly stdin: string;
})[] = [
  {
    name: "surroundings",
    args: ["a b", "-c"],
    stdin: "",
    code: 1,
    shows: [
      `{"args":["a b","-c"],"here":true,"given":"${GIVEN}","system":[]}`,
      "error: Uncaught (in promise) Error: on purpose",
      "at surroundings first/surroundings.ts:10:9",
    ],
    leaves: "",
  },
  {
    name: "order",
    stdin: "a\nb\n",
    code: 0,
    shows: Array.from({ length: 20 }, (_, index) => [`out ${index}`, `err ${index}`]).flat(),
    leaves: "a\nb\n",
  },
  { name: "stdin", stdin: "a\nb\n", code: 0, shows: ["a", "b"], leaves: "" },
  { name: "exit_code", stdin: "", code: 101, shows: [], leaves: "" },
  {
    name: "without_tmp",
    env: { TMPDIR: "/nonexistent" },
    stdin: "",
    code: 0,
    shows: ["9 true { code: 0 }"],
    leaves: "",
  },
];

/** Options of `deno run`, and what `first/settings.ts` shows with them. */
const SETTINGS = {
  flags: [
    "--location=http://example.com/here",
    "--v8-flags=--expose-gc",
    "--unstable-kv",
    "--deny-ffi",
  ],
  shows: "http://example.com/here function function denied",
};

/** Runs all programs in `folder` in one of the ways, each as a step of a test. */
export async function testWay(t: Deno.TestContext, way: Way, folder: string): Promise<void> {
  const [{ processes, said }, firsts] = await Promise.all([
    runAll(way, folder),
    runFirsts(way, folder),
  ]);
  for (const name of programsIn("programs")) {
    await t.step(`${way.name}: ${name}`, async () => {
      const { prints } = await import(`./programs/${name}.ts`);
      const process = processes.find((each) => each.name === name);
      assertEquals(process?.status, { code: 0 }, process?.stderr ?? said);
      assertEquals(process?.stdout.split("\n").slice(0, -1), prints, process?.stderr);
    });
  }
  if (way.isLocal && Deno.build.os === "linux") {
    await t.step(`${way.name}: first process: asks, at a terminal`, async () => {
      const { words, env } = way.first({});
      const command = { words: [...words, "asks"], cwd: folder, env };
      const shown = await atTerminal(command, [
        { asked: "Your name?", typed: "Bob\r" },
        { asked: "Sure?", typed: "y\r" },
        { asked: "A key?", typed: "q" },
      ]);
      assertStringIncludes(shown, `{"name":"Bob","sure":true,"key":113}`);
    });
  }
  const setting = way.settings?.(SETTINGS.flags);
  if (setting !== undefined) {
    await t.step(`${way.name}: first process: settings`, async () => {
      const { shown, code } = await runShown(setting, folder, ["settings"], "");
      if (setting.refused) assertStringIncludes(shown, "deploy the program with --release");
      assertEquals([processLines(shown), code], setting.refused ? [[], 1] : [[SETTINGS.shows], 0]);
    });
  }
  for (const [index, { name, code, shows, leaves }] of FIRST.entries()) {
    await t.step(`${way.name}: first process: ${name}`, () => {
      const { shown, ...outcome } = firsts[index]!;
      assertEquals(outcome, { code, shows, leaves }, shown);
    });
  }
}

/** Runs all programs in `programs/`; gives their processes, and what the command said besides. */
async function runAll(
  { words, env }: Way,
  folder: string,
): Promise<{ readonly processes: readonly ProcessRecord[]; readonly said: string }> {
  const [path, ...args] = words;
  const { stdout, stderr } = await new Deno.Command(path!, {
    args,
    cwd: folder,
    env: { NO_COLOR: "1", ...env, DEPLOY_FORMAT: "json" },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const [text, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  try {
    const recorder = new EventRecorder();
    for (const line of text!.split("\n").slice(0, -1)) recorder.add(line);
    return { processes: recorder.ended(), said: said! };
  } catch (cause) {
    throw new Error(`${words.join(" ")}: ${said}`, { cause });
  }
}

/** The outcome of a program, and all that was shown. */
type Ran = FirstOutcome & { readonly shown: string };

async function runFirsts(way: Way, folder: string): Promise<Ran[]> {
  const outcomes: Ran[] = [];
  for (const { name, args = [], env = {}, stdin } of FIRST) {
    outcomes.push(await runFirst(way.first(env), folder, [name, ...args], stdin));
  }
  return outcomes;
}

/** Runs one program as the first process. */
async function runFirst(
  ...task: Parameters<typeof runShown>
): Promise<Ran> {
  const { code, shown, leaves } = await runShown(...task);
  return { code, shows: essential(processLines(shown)), leaves, shown };
}

/** The lines of processes in what is shown. */
function processLines(shown: string): string[] {
  return shown.split("\n").flatMap((line) => /^[0-9a-f]{7} [^ ]+ \| +?(.*)$/.exec(line)?.[1] ?? []);
}

/** Runs one program as the first process, where stdout and stderr are the same pipe. */
async function runShown(
  { words, env }: ReturnType<Way["first"]>,
  folder: string,
  args: readonly string[],
  stdin: string,
): Promise<{ code: number; shown: string; leaves: string }> {
  const script = `"$@" 2>&1; code=$?; echo "<left>"; cat; exit $code`;
  const child = new Deno.Command("sh", {
    args: ["-c", script, "sh", ...words, ...args],
    cwd: folder,
    env: { NO_COLOR: "1", ...env, DEPLOY_FORMAT: "lines" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout } = await child.output();
  const [shown = "", leaves = ""] = new TextDecoder().decode(stdout).split("<left>\n");
  return { code, shown, leaves };
}

/** The lines without the source and the stack of an error, except for its first place below the project. */
function essential(lines: readonly string[]): string[] {
  const places = lines.filter((line) => /^ *at /.test(line));
  return lines.flatMap((line) => {
    const place = /^ *at (?:Object\.)?(\w+) .*?(first\/[\w.:]+)\)?$/.exec(line);
    if (place !== null && line === places[0]) return [`at ${place[1]} ${place[2]}`];
    return line === "" || line.startsWith(" ") ? [] : [line];
  });
}
