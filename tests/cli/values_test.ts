/** The values of options and operands, and the errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import {
  addressArgument,
  countArgument,
  cpuArgument,
  formatVariable,
  graceArgument,
  graceVariable,
  memArgument,
  wordArgument,
} from "../../src/cli/values.ts";

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
