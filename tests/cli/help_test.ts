/** Help pages: their content, and whether they fit on a terminal. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { DEPLOY } from "../../src/cli/deploy_table.ts";
import { commandLine, type Executable, SHELLS } from "../../src/cli/executable.ts";
import { FABRIC } from "../../src/cli/fabric_table.ts";
import { helpPage } from "../../src/cli/help.ts";

const COLUMNS = 80;
/** The last line of a terminal contains the prompt. */
const LINES = 24 - 1;

const PAGES = [DEPLOY, FABRIC].flatMap((executable) =>
  [executable.main, ...executable.commands].map((command) => ({ executable, command }))
);

for (const { executable, command } of PAGES) {
  const line = commandLine(executable, command);
  Deno.test(`the page of ${line} fits a terminal, and is complete`, () => {
    const page = helpPage(executable, command);
    const lines = page.trimEnd().split("\n");
    assert(lines.length <= LINES, `${lines.length} lines`);
    assertEquals(lines.filter((text) => text.length > COLUMNS), []);
    assertEquals(lines[0], `${command.summary}.`);
    assert(lines[2]?.startsWith(`Usage: ${line} `), lines[2]);
    const own = Object.entries(command.options).filter(([, { ofDeno }]) => !ofDeno);
    for (const option of [...own.map(([name]) => name), "help", "version"]) {
      assert(new RegExp(`--${option}\\b`).test(page), option);
    }
    for (const { name } of command.operands ?? []) assert(page.includes(`  ${name} `), name);
    assert(lines.at(-1)?.startsWith("Exit status: "), lines.at(-1));
  });
}

Deno.test("help names only commands and options that exist", () => {
  for (const { executable, command } of PAGES) {
    const page = helpPage(executable, command);
    const options = new Set([...Object.keys(command.options), "help", "version"]);
    for (const [, name = ""] of page.matchAll(/(?<=[\s(])--([a-z0-9-]+)/g)) {
      assert(options.has(name) || isInExample(page, name), `--${name} in ${command.name}`);
    }
    const words = new Set(executable.commands.map(({ name }) => name));
    for (
      const [, name = ""] of page.matchAll(new RegExp(`\\b${executable.name} ([a-z]+)\\b`, "g"))
    ) {
      assert(words.has(name), `${executable.name} ${name}`);
    }
  }
});

/** The words after -- in an example belong to the program. */
function isInExample(page: string, name: string): boolean {
  return page.includes(`-- --${name}`);
}

Deno.test("an option takes a value in all commands of an executable or in none", () => {
  for (const { main, commands } of [DEPLOY, FABRIC] satisfies Executable[]) {
    const seen = new Map<string, string>();
    for (const { options } of [main, ...commands]) {
      for (const [name, { value, short }] of Object.entries(options)) {
        const shape = `${value} ${short}`;
        assertEquals(seen.get(name) ?? shape, shape, name);
        seen.set(name, shape);
      }
    }
  }
});

Deno.test("the table lists the shells with completions", () => {
  assertEquals([...SHELLS], ["bash", "zsh", "fish"]);
});
