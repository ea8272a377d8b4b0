/** Options, positionals and `--`, taken apart; and what is said of those that are wrong. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  addressArgument,
  asksForHelp,
  cpuArgument,
  memArgument,
  type OptionSpecs,
  scanArguments,
  type Scanned,
  UsageError,
} from "../../src/cli/arguments.ts";

const SPECS: OptionSpecs = {
  "verbose": { short: "v" },
  "dry-run": {},
  "mem": { value: "M", short: "m" },
};

/** A `Scanned` as plain data. */
function plain(scanned: Scanned): unknown {
  return [Object.fromEntries(scanned.options), scanned.positionals, scanned.rest];
}

Deno.test("scanArguments() takes options, positionals and the rest apart", () => {
  const table: [args: string[], expected: unknown][] = [
    [[], [{}, [], undefined]],
    [["a", "b"], [{}, ["a", "b"], undefined]],
    [["-"], [{}, ["-"], undefined]],
    [[""], [{}, [""], undefined]],
    [["-v", "a", "--dry-run"], [{ "verbose": [], "dry-run": [] }, ["a"], undefined]],
    [["--mem", "1", "--mem=2", "-m", "3"], [{ mem: ["1", "2", "3"] }, [], undefined]],
    [["--mem="], [{ mem: [""] }, [], undefined]],
    [["--mem", ""], [{ mem: [""] }, [], undefined]],
    [["--mem=a=b"], [{ mem: ["a=b"] }, [], undefined]],
    [["--mem", "-"], [{ mem: ["-"] }, [], undefined]],
    [["--"], [{}, [], []]],
    [["a", "--", "-v", "--", "--nix"], [{}, ["a"], ["-v", "--", "--nix"]]],
  ];
  for (const [args, expected] of table) {
    assertEquals(plain(scanArguments(args, SPECS)), expected, JSON.stringify(args));
  }
});

Deno.test("scanArguments() says what is wrong with an option, and what was expected", () => {
  const table: [args: string[], message: string][] = [
    [["--nothing"], '"--nothing" is no option; expected one of the options below'],
    [["-x"], '"-x" is no option; expected one of the options below'],
    [["-vm"], '"-vm" is no option; expected one of the options below'],
    [["--__proto__"], '"--__proto__" is no option; expected one of the options below'],
    [["--constructor=1"], '"--constructor" is no option; expected one of the options below'],
    [["--verbos"], '"--verbos" is no option; did you mean --verbose?'],
    [["--vrebose"], '"--vrebose" is no option; did you mean --verbose?'],
    [["--vverbose"], '"--vverbose" is no option; did you mean --verbose?'],
    [["--men", "1"], '"--men" is no option; did you mean --mem?'],
    [["-mem"], '"-mem" is no option; did you mean --mem?'],
    [["--verbose=yes"], "--verbose takes no value; write just --verbose"],
    [["--mem"], "--mem lacks its value; write --mem M"],
    [["--mem", "--verbose"], "--mem lacks its value; write --mem M"],
    [["-m", "--", "1"], "-m lacks its value; write -m M"],
  ];
  for (const [args, message] of table) {
    const error = assertThrows(() => scanArguments(args, SPECS), UsageError);
    assertEquals(error.message, message);
  }
});

Deno.test("asksForHelp() looks in front of -- only", () => {
  assertEquals(asksForHelp(["a", "--nix", "-h"]), true);
  assertEquals(asksForHelp(["--help"]), true);
  assertEquals(asksForHelp(["a", "--", "--help"]), false);
  assertEquals(asksForHelp([]), false);
});

Deno.test("addressArgument() reads addresses and refuses what is none", () => {
  const anyPort = { anyPort: true };
  const table: [text: string, host: string, port: number][] = [
    ["10.0.0.2:9999", "10.0.0.2", 9999],
    ["localhost:0", "localhost", 0],
    ["[::1]:65535", "::1", 65535],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
  ];
  for (const [text, host, port] of table) {
    assertEquals(addressArgument(text, "<bind>", anyPort), { host, port });
  }
  for (const text of ["", "host", "host:", ":1", "::1:80", "host:65536", "host:-1", "a b:1"]) {
    assertThrows(() => addressArgument(text, "<bind>", anyPort), UsageError, "expected host:port");
  }
  assertThrows(() => addressArgument(undefined, "<bind>", anyPort), UsageError, "is missing");
  assertThrows(() => addressArgument("a:0", "<bind>", { anyPort: false }), UsageError, "not 0");
});

Deno.test("memArgument() and cpuArgument() read amounts that are more than nothing", () => {
  assertEquals(memArgument("1 GiB", "--mem"), 1024 ** 3);
  assertEquals(cpuArgument("0.5", "--cpu"), 0.5);
  assertEquals(cpuArgument("16", "--cpu"), 16);
  for (const text of [undefined, "", "0", "-1", "x", "1 GB 2"]) {
    assertThrows(() => memArgument(text, "--mem"), UsageError, "expected memory");
  }
  for (const text of [undefined, "", "0", "0.0", "-1", "x", "1e3", "Infinity", "0x10", "1."]) {
    assertThrows(() => cpuArgument(text, "--cpu"), UsageError, "expected a number of cores");
  }
});
