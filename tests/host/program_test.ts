// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  type Invocation,
  ProgramError,
  restartCommand,
  withInspector,
} from "../../src/host/program.ts";
import { type PsContext, wordsFromPs } from "../../src/host/ps_words.ts";

const EXEC = "/opt/deno";

function invocation(cmdline: string[], args: string[] = [], standalone = false): Invocation {
  return { cmdline, args, standalone, execPath: EXEC };
}

Deno.test("restartCommand() keeps what matters to every process, and nothing else", () => {
  const table: [given: string[], args: string[], expected: string[]][] = [
    [["deno", "run", "-A", "main.ts"], [], ["run", "-A", "main.ts"]],
    [["deno", "main.ts"], [], ["main.ts"]],
    [["deno", "-A", "main.ts", "a", "b c"], ["a", "b c"], ["-A", "main.ts", "a", "b c"]],
    [["deno", "run", "-A", "main.ts", "--", "--watch"], ["--", "--watch"], [
      "run",
      "-A",
      "main.ts",
      "--",
      "--watch",
    ]],
    [["deno", "run", "-A", "main.ts", "run"], ["run"], ["run", "-A", "main.ts", "run"]],
    [["deno", "run", "--watch", "-A", "main.ts"], [], ["run", "-A", "main.ts"]],
    [["deno", "run", "--watch=a.txt", "--watch-exclude=b", "--no-clear-screen", "main.ts"], [], [
      "run",
      "main.ts",
    ]],
    [["deno", "run", "--watch-hmr", "--hmr=x", "main.ts"], [], ["run", "main.ts"]],
    [["deno", "run", "--inspect", "--inspect-brk=:0", "--inspect-wait", "main.ts"], [], [
      "run",
      "main.ts",
    ]],
    [["deno", "run", "--inspect-publish-uid", "http", "main.ts"], [], ["run", "main.ts"]],
    [["deno", "run", "--inspect-publish-uid=http", "main.ts"], [], ["run", "main.ts"]],
    [["deno", "run", "--reload", "--reload=npm:", "--check", "--check=all", "main.ts"], [], [
      "run",
      "main.ts",
    ]],
    [["deno", "run", "-r", "main.ts"], [], ["run", "main.ts"]],
    [["deno", "run", "-Ar", "main.ts"], [], ["run", "-A", "main.ts"]],
    [["deno", "run", "-rA", "main.ts"], [], ["run", "-A", "main.ts"]],
    [["deno", "run", "-qr=npm:", "main.ts"], [], ["run", "-q", "main.ts"]],
    [["deno", "run", "-R=r", "-c", "r.json", "main.ts"], [], [
      "run",
      "-R=r",
      "-c",
      "r.json",
      "main.ts",
    ]],
    [["deno", "run", "-crun.json", "main.ts"], [], ["run", "-crun.json", "main.ts"]],
    [["deno", "-L", "debug", "run", "--seed", "3", "main.ts"], [], [
      "-L",
      "debug",
      "run",
      "--seed",
      "3",
      "main.ts",
    ]],
    [["deno", "--config", "test", "-A", "main.ts"], [], ["--config", "test", "-A", "main.ts"]],
    [["deno", "run", "--lock", "my.lock", "--no-npm", "main.ts"], [], [
      "run",
      "--lock",
      "my.lock",
      "--no-npm",
      "main.ts",
    ]],
    [["deno", "run", "--lock=x", "--v8-flags=--max-old-space-size=64", "main.ts"], [], [
      "run",
      "--lock=x",
      "--v8-flags=--max-old-space-size=64",
      "main.ts",
    ]],
    [["deno", "run", "--cert", "ca.pem", "--env-file", "--unstable-kv", "main.ts"], [], [
      "run",
      "--cert",
      "ca.pem",
      "--env-file",
      "--unstable-kv",
      "main.ts",
    ]],
    [["deno", "run", "-A", "--", "main.ts", "a"], ["a"], ["run", "-A", "--", "main.ts", "a"]],
    [["deno", "run", "https://example.com/main.ts"], [], ["run", "https://example.com/main.ts"]],
    // After `run`, a script may have the name of a subcommand.
    [["deno", "run", "test"], [], ["run", "test"]],
  ];
  for (const [cmdline, args, expected] of table) {
    const found = restartCommand(invocation(cmdline, args));
    // Before the script, and before what ends the options.
    const script = expected.length - args.length - 1;
    const flagsAt = expected[script - 1] === "--" ? script - 1 : script;
    assertEquals(found, { command: EXEC, args: expected, flagsAt }, cmdline.join(" "));
  }
});

Deno.test("restartCommand() makes imports lazy where it is told that this is possible", () => {
  const flag = "--unstable-lazy-dynamic-imports";
  const table: [given: string[], args: string[], expected: string[], flagsAt: number][] = [
    [["deno", "run", "-A", "main.ts", "a"], ["a"], ["run", "-A", flag, "main.ts", "a"], 3],
    [["deno", "main.ts"], [], [flag, "main.ts"], 1],
    [["deno", "run", flag, "-A", "main.ts"], [], ["run", flag, "-A", "main.ts"], 3],
    [["deno", "run", "-A", "--", "main.ts"], [], ["run", "-A", "--", "main.ts"], 2],
  ];
  for (const [cmdline, args, expected, flagsAt] of table) {
    const found = restartCommand({ ...invocation(cmdline, args), lazyImports: true });
    assertEquals(found, { command: EXEC, args: expected, flagsAt }, cmdline.join(" "));
  }
  const executable = invocation(["./main", "a"], ["a"], true);
  assertEquals(restartCommand({ ...executable, lazyImports: true }).args, ["a"]);
});

Deno.test("canImportLazily() says no where a late import could lack a permission", async () => {
  const module = new URL("../../src/host/program.ts", import.meta.url).href;
  const code = `import { canImportLazily } from "${module}"; console.log(canImportLazily());`;
  const answers = await Promise.all(
    [["--allow-read"], ["--allow-read", "--deny-read=/x"], ["--allow-read=/x"], []].map(
      async (flags) => {
        const { stdout } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "--no-prompt",
            "--allow-import",
            ...flags,
            `data:text/typescript,${encodeURIComponent(code)}`,
          ],
        }).output();
        return new TextDecoder().decode(stdout).trim();
      },
    ),
  );
  assertEquals(answers, ["true", "false", "false", "false"]);
});

Deno.test("restartCommand() gives an executable only what is not compiled in", () => {
  const given = invocation(["./main", "a", "--watch"], ["baked in", "a", "--watch"], true);
  assertEquals(restartCommand(given), { command: EXEC, args: ["a", "--watch"] });
});

Deno.test("restartCommand() says in one line what to do when there is no file to start", () => {
  const table: [cmdline: string[], args: string[], why: string][] = [
    [["deno", "run", "-A", "-"], [], "read from stdin"],
    [["deno", "-", "a"], ["a"], "read from stdin"],
    [["deno", "eval", "console.log(1)"], [], "under deno eval"],
    [["deno", "test", "-A", "some_test.ts"], [], "under deno test"],
    [["deno", "test"], [], "under deno test"],
    [["deno", "-q", "serve", "main.ts"], [], "under deno serve"],
    [["deno", "repl"], [], "under deno repl"],
    [["deno"], [], "not run from a file"],
  ];
  for (const [cmdline, args, why] of table) {
    const { message } = assertThrows(
      () => restartCommand(invocation(cmdline, args)),
      ProgramError,
      why,
      cmdline.join(" "),
    );
    assertEquals(message.includes("\n"), false);
    assertEquals(message.includes("deno run -A main.ts"), true);
  }
});

const PS: PsContext = {
  args: [],
  standalone: false,
  execPath: EXEC,
  mainModule: "file:///home/me/my%20app/main.ts",
  cwd: "/home/me/my app",
};

Deno.test("wordsFromPs() splits unambiguous command lines, and no others", () => {
  const table: [text: string, context: Partial<PsContext>, words: string[] | undefined][] = [
    ["deno run -A main.ts", {}, ["deno", "run", "-A", "main.ts"]],
    ["deno run -A ./main.ts", {}, ["deno", "run", "-A", "./main.ts"]],
    ["deno main.ts a b c", { args: ["a b", "c"] }, ["deno", "main.ts", "a b", "c"]],
    ["deno main.ts a", { args: ["b"] }, undefined],
    ["deno main.ts main.ts", { args: ["main.ts"] }, ["deno", "main.ts", "main.ts"]],
    ["deno run -A ../my app/main.ts", {}, ["deno", "run", "-A", "../my app/main.ts"]],
    ["deno run -A /home/me/my app/main.ts", {}, [
      "deno",
      "run",
      "-A",
      "/home/me/my app/main.ts",
    ]],
    ["deno run -A my app/main.ts", { cwd: "/home/me" }, [
      "deno",
      "run",
      "-A",
      "my app/main.ts",
    ]],
    ["deno run -A my app/main.ts", { cwd: "." }, ["deno", "run", "-A", "my app/main.ts"]],
    ["deno run -A ./main.ts", { cwd: "." }, ["deno", "run", "-A", "./main.ts"]],
    ["deno run -c deno.json main.ts", {}, ["deno", "run", "-c", "deno.json", "main.ts"]],
    // A value with a space cannot be recovered.
    ["deno run -c my deno.json main.ts", {}, undefined],
    ["deno run --allow-read=a b main.ts", {}, undefined],
    ["deno run other.ts", {}, undefined],
    ["/my tools/deno run main.ts", { execPath: "/my tools/deno" }, [
      "/my tools/deno",
      "run",
      "main.ts",
    ]],
    ["deno run npm:tool@1 x", { args: ["x"], mainModule: "file:///cache/tool.js" }, [
      "deno",
      "run",
      "npm:tool@1",
      "x",
    ]],
    ["./main a", { standalone: true, execPath: "/home/me/main", args: ["baked", "a"] }, [
      "./main",
      "a",
    ]],
    ["./my main", { standalone: true, execPath: "/home/me/my main", args: [] }, ["./my main"]],
    ["./main x/main", {
      standalone: true,
      execPath: "/home/me/main",
      args: ["x/main"],
    }, undefined],
  ];
  for (const [text, context, words] of table) {
    assertEquals(wordsFromPs(text, { ...PS, ...context }), words, text);
  }
});

Deno.test("the command line of ps is split as in /proc", () => {
  const words = ["deno", "run", "--quiet", "--seed=1", "-A", "main.ts", "x", "--y", "z z"];
  const text = words.join(" ");
  assertEquals(wordsFromPs(text, { ...PS, args: ["x", "--y", "z z"] }), words);
});

Deno.test("withInspector() adds flags of deno, where the program is not an executable", () => {
  const program = { command: EXEC, args: ["run", "-A", "main.ts", "x"], cwd: "/" };
  assertEquals(withInspector(program), program);
  assertEquals(withInspector({ ...program, flagsAt: 2 }), {
    ...program,
    args: ["run", "-A", "--inspect=127.0.0.1:0", "--quiet", "main.ts", "x"],
    flagsAt: 4,
  });
  const quiet = { ...program, args: ["--quiet", "main.ts"], flagsAt: 1 };
  assertEquals(withInspector(quiet).args, ["--quiet", "--inspect=127.0.0.1:0", "main.ts"]);
});
