/** Completion scripts, in their shells. zsh and fish are tested where they are installed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { completionScript } from "../../src/cli/completions.ts";
import { SHELLS } from "../../src/cli/executable.ts";
import { DEPLOY } from "../../src/cli/deploy_table.ts";
import { FABRIC } from "../../src/cli/fabric_table.ts";

async function output(shell: string, script: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(shell, {
    args: ["-c", script, shell, ...args],
    cwd: new URL(".", import.meta.url),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""], script);
  return decoder.decode(stdout).split("\n").filter((line) => line !== "");
}

/** The completions of bash for the last of `words`, which are split as bash does it. */
async function bashOffers(words: readonly string[]): Promise<string[]> {
  const [name] = words;
  const executable = name === "fabric" ? FABRIC : DEPLOY;
  const script = `${completionScript(executable, "bash")}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _${name}; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return await output("bash", script, ...words);
}

async function fishOffers(words: readonly string[]): Promise<string[]> {
  const executable = words[0] === "fabric" ? FABRIC : DEPLOY;
  const script = `${completionScript(executable, "fish")}\ncomplete -C '${words.join(" ")}'`;
  return (await output("fish", script)).map((line) => line.replace(/\t.*/, ""));
}

/** The completions for the last word of a command line, in each shell that can be asked for them. */
const OFFERS: readonly [words: string[], offered: string[]][] = [
  [["deploy", "--dr"], ["--dry-run"]],
  [["deploy", "--in"], ["--include", "--inspect", "--inspect-brk"]],
  [["deploy", "--he"], ["--help"]],
  [["deploy", "comp"], ["completions", "completions_test.ts"]],
  [["deploy", "near"], ["near_test.ts"]],
  [["deploy", "--inspect", "near"], ["near_test.ts"]],
  [["deploy", "--format", ""], ["human", "json", "lines"]],
  [["deploy", "--format", "j"], ["json"]],
  [["deploy", "--mem", ""], []],
  [["deploy", "--include", "near"], ["near_test.ts"]],
  [["deploy", "completions", ""], ["bash", "fish", "zsh"]],
  [["deploy", "completions", "--"], ["--help", "--version"]],
  [["deploy", "--mem", "completions", "--rel"], ["--release"]],
  [["fabric", "dr"], ["drain"]],
  [["fabric", "drain", "--f"], ["--format"]],
  [["fabric", "de"], ["dev"]],
  [["fabric", ""], ["completions", "dev", "drain", "invite", "join", "master", "secret"]],
  [["fabric", "dev", "--no"], ["--nodes"]],
  [["fabric", "master", "--no"], []],
  [["fabric", "dev", "--bridge", "a:1", "--me"], ["--mem", "--metrics"]],
];

Deno.test("bash offers the options, commands and values that fit, and files", async () => {
  const table = [
    ...OFFERS,
    [["deploy", "--format", "="], ["human", "json", "lines"]],
    [["deploy", "--format", "=", "h"], ["human"]],
    [["deploy", "a.ts", "--", "near"], ["near_test.ts"]],
    [["deploy", "a.ts", "comp"], ["completions", "completions_test.ts"]],
  ] satisfies [string[], string[]][];
  for (const [words, offered] of table) {
    assertEquals((await bashOffers(words)).sort(), offered, words.join(" "));
  }
});

async function isThere(shell: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${shell}`] })
    .output();
  return success;
}

if (await isThere("fish")) {
  Deno.test("fish offers the options, commands and values that fit, and files", async () => {
    for (const [words, offered] of OFFERS) {
      assertEquals((await fishOffers(words)).sort(), offered, words.join(" "));
    }
  });
}

if (await isThere("zsh")) {
  Deno.test("zsh can parse the scripts, and registers them as completions", async () => {
    for (const executable of [DEPLOY, FABRIC]) {
      const script = completionScript(executable, "zsh");
      const defined = `compdef() { print -r -- "$@" }\n${script}\nwhence -w _${executable.name}`;
      assertEquals(await output("zsh", defined), [
        `_${executable.name} ${executable.name}`,
        `_${executable.name}: function`,
      ]);
    }
  });
}

Deno.test("a script has every option and every command", () => {
  for (const executable of [DEPLOY, FABRIC]) {
    for (const shell of SHELLS) {
      const script = completionScript(executable, shell);
      for (const { name, options } of [executable.main, ...executable.commands]) {
        assert(script.includes(name));
        for (const option of Object.keys(options)) {
          assert(script.includes(shell === "fish" ? `-l ${option}` : `--${option}`), option);
        }
      }
    }
  }
});
