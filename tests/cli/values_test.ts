/** The values of options and operands, and the errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import {
  countArgument,
  cpuArgument,
  formatVariable,
  graceArgument,
  graceVariable,
  memArgument,
  wordArgument,
} from "../../src/cli/values.ts";

Deno.test("memArgument() and cpuArgument() read amounts that are more than nothing", () => {
  assertEquals(memArgument("1 GiB", "--mem"), 1024 ** 3);
  assertEquals(cpuArgument("0.5", "--cpu"), 0.5);
  assertEquals(cpuArgument("16", "--cpu"), 16);
  for (const text of [undefined, "", "0", "-1", "x", "1 GB 2"]) {
    assertThrows(() => memArgument(text, "--mem"), UsageError, "expected memory");
  }
  const unit = '--mem is "512", which means 512 bytes; expected a unit, as in 512MiB, or 512B if ' +
    "bytes are meant";
  assertThrows(() => memArgument("512", "--mem"), UsageError, unit);
  assertEquals([memArgument("512B", "--mem"), memArgument("1048576", "--mem")], [512, 1024 ** 2]);
  for (const text of [undefined, "", "0", "0.0", "-1", "x", "1e3", "Infinity", "0x10", "1."]) {
    assertThrows(() => cpuArgument(text, "--cpu"), UsageError, "expected a number of cores");
  }
});

Deno.test("countArgument(), wordArgument() and formatVariable() refuse what is not listed", () => {
  assertEquals([countArgument("1", "--n"), countArgument("9999", "--n")], [1, 9999]);
  for (const text of ["", "0", "01", "10000", "1.5", "-1", "x"]) {
    assertThrows(() => countArgument(text, "--n"), UsageError, "expected a number from 1 to 9999");
  }
  assertEquals(wordArgument("b", "--w", ["a", "b"]), "b");
  const error = assertThrows(() => wordArgument("", "--w", ["a", "b", "c"]), UsageError);
  assertEquals(error.message, '--w is ""; expected a, b or c');
  assertEquals([undefined, "", "y"].map((text) => formatVariable(text, ["x", "y"])), [
    "x",
    "x",
    "y",
  ]);
  assertThrows(
    () => formatVariable("z", ["x", "y"]),
    UsageError,
    'DEPLOY_FORMAT is "z"; expected x',
  );
});

Deno.test("graceArgument() and graceVariable() read durations, and refuse what is none", () => {
  assertEquals([graceArgument("10s", "--grace"), graceArgument("0", "--grace")], [10_000, 0]);
  assertEquals([graceVariable(undefined), graceVariable(""), graceVariable("1m")], [
    3_000,
    3_000,
    60_000,
  ]);
  for (const text of ["", "3", "2h", "soon"]) {
    const message =
      `--grace is "${text}"; expected a duration of at most 1h, as in 500ms, 10s or 0`;
    assertThrows(() => graceArgument(text, "--grace"), UsageError, message);
  }
  assertThrows(() => graceVariable("soon"), UsageError, 'DEPLOY_GRACE is "soon"; expected');
});
