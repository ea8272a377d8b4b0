/** Scanning of commands, options, operands and `--`, and the errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { findCommand, findRequest, refuseMore, scanArguments } from "../../src/cli/arguments.ts";
import type { Command, Executable } from "../../src/cli/executable.ts";
import { UsageError } from "../../src/core/usage_error.ts";

const NOTHING = { summary: "", usage: [], examples: [], exitStatus: "" };
const MAIN: Command = {
  ...NOTHING,
  name: "",
  options: {
    "verbose": { short: "v", summary: "" },
    "dry-run": { summary: "" },
    "mem": { value: "M", short: "m", summary: "" },
  },
  passesArguments: true,
};
const MAKE: Command = {
  ...NOTHING,
  name: "make",
  options: { "verbose": { short: "v", summary: "" }, "size": { value: "N", summary: "" } },
};
const TOOL: Executable = { name: "tool", version: "1", main: MAIN, commands: [MAKE] };

Deno.test("scanArguments() separates the command, options, operands and the rest", () => {
  const table: [args: string[], expected: unknown][] = [
    [[], ["", {}, [], undefined]],
    [["a", "b"], ["", {}, ["a", "b"], undefined]],
    [["-"], ["", {}, ["-"], undefined]],
    [[""], ["", {}, [""], undefined]],
    [["-v", "a", "--dry-run"], ["", { "verbose": [], "dry-run": [] }, ["a"], undefined]],
    [["--mem", "1", "--mem=2", "-m", "3"], ["", { mem: ["1", "2", "3"] }, [], undefined]],
    [["--mem="], ["", { mem: [""] }, [], undefined]],
    [["--mem", ""], ["", { mem: [""] }, [], undefined]],
    [["--mem=a=b"], ["", { mem: ["a=b"] }, [], undefined]],
    [["--mem", "-"], ["", { mem: ["-"] }, [], undefined]],
    [["--mem", "make"], ["", { mem: ["make"] }, [], undefined]],
    [["--"], ["", {}, [], []]],
    [["a", "--", "-v", "--", "--nix"], ["", {}, ["a"], ["-v", "--", "--nix"]]],
    [["--", "make"], ["", {}, [], ["make"]]],
    [["a", "make"], ["", {}, ["a", "make"], undefined]],
    [["make"], ["make", {}, [], undefined]],
    [["-v", "make", "make", "--size=3"], [
      "make",
      { verbose: [], size: ["3"] },
      ["make"],
      undefined,
    ]],
    [["--size", "make", "make"], ["make", { size: ["make"] }, [], undefined]],
  ];
  for (const [args, expected] of table) {
    const { command, options, operands, rest } = scanArguments(args, TOOL);
    assertEquals(
      [command.name, Object.fromEntries(options), operands, rest],
      expected,
      args.join(" "),
    );
  }
});

Deno.test("scanArguments() reports what is wrong with an option, and what was expected", () => {
  const expected = "expected --verbose, --dry-run or --mem";
  const table: [args: string[], message: string][] = [
    [["--nothing"], `unknown option --nothing; ${expected}`],
    [["-x"], `unknown option -x; ${expected}`],
    [["-vm"], `unknown option -vm; ${expected}`],
    [["--__proto__"], `unknown option --__proto__; ${expected}`],
    [["--constructor=1"], `unknown option --constructor; ${expected}`],
    [["--verbos"], "unknown option --verbos; did you mean --verbose?"],
    [["--vrebose"], "unknown option --vrebose; did you mean --verbose?"],
    [["--dry"], "unknown option --dry; did you mean --dry-run?"],
    [["--men", "1"], "unknown option --men; did you mean --mem?"],
    [["-mem"], "unknown option -mem; did you mean --mem?"],
    [["--hlep"], "unknown option --hlep; did you mean --help?"],
    [["--verbose=yes"], "--verbose takes no value; expected --verbose"],
    [["--mem"], "--mem has no value; expected --mem M"],
    [["--mem", "--verbose"], "--mem has no value; expected --mem M"],
    [["-m", "--", "1"], "-m has no value; expected -m M"],
    [["--size", "1"], `--size is an option of tool make; ${expected}`],
    [["make", "--mem", "1"], "--mem is an option of tool; expected --verbose or --size"],
    [["make", "--"], '"--" is not allowed here; expected options and operands only'],
  ];
  for (const [args, message] of table) {
    const error = assertThrows(() => scanArguments(args, TOOL), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("findCommand() finds the command that wrong arguments belong to", () => {
  const table: [args: string[], name: string][] = [
    [["--nix", "make"], "make"],
    [["--nix=1", "make", "--nix"], "make"],
    [["--mem", "make"], ""],
    [["--mem=1", "make"], "make"],
    [["other", "make"], ""],
    [["--", "make"], ""],
  ];
  for (const [args, name] of table) {
    assertEquals(findCommand(args, TOOL).name, name, args.join(" "));
  }
});

Deno.test("findRequest() looks only before --", () => {
  assertEquals(findRequest(["a", "--nix", "-h", "-V"]), "help");
  assertEquals(findRequest(["--help"]), "help");
  assertEquals(findRequest(["make", "-V"]), "version");
  assertEquals(findRequest(["a", "--", "--help", "--version"]), undefined);
  assertEquals(findRequest([]), undefined);
});

Deno.test("refuseMore() names the first excess operand", () => {
  refuseMore(["a"], 1, "one file");
  const error = assertThrows(() => refuseMore(["a", "b c", "d"], 1, "one file"), UsageError);
  assertEquals(error.message, 'unexpected argument "b c"; expected one file');
});
