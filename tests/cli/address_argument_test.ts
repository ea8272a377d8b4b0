/** Addresses as arguments, and the errors for invalid ones. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { addressArgument, isMeantAsAddress } from "../../src/cli/address_argument.ts";
import { UsageError } from "../../src/core/usage_error.ts";

Deno.test("addressArgument() reads addresses", () => {
  const table: [text: string, host: string, port: number][] = [
    ["10.0.0.2:9999", "10.0.0.2", 9999],
    ["localhost:0", "localhost", 0],
    ["[::1]:65535", "::1", 65535],
    ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
  ];
  for (const [text, host, port] of table) {
    assertEquals(addressArgument(text, "<bind>", { anyPort: true }), { host, port });
  }
});

Deno.test("addressArgument() says what is wrong with each kind of mistake", () => {
  const table: [text: string | undefined, said: string][] = [
    [undefined, "<a> is missing; expected host:port"],
    ["", '<a> is ""; expected host:port, as in 10.0.0.2:9999'],
    ["host", '<a> is "host", which has no port; expected host:port, as in host:9999'],
    ["10.0.0.1", '<a> is "10.0.0.1", which has no port; expected host:port, as in 10.0.0.1:9999'],
    ["[::1]", '<a> is "[::1]", which has no port; expected host:port, as in [::1]:9999'],
    [
      "::1:80",
      '<a> is "::1:80"; expected host:port, with an IPv6 host in brackets, as in [::1]:9999',
    ],
    ["::1", '<a> is "::1"; expected host:port, with an IPv6 host in brackets, as in [::1]:9999'],
    ["host:65536", '<a> is "host:65536"; expected host:port, with a port of at most 65535'],
    ["host:", '<a> is "host:"; expected host:port, as in 10.0.0.2:9999'],
    [":1", '<a> is ":1"; expected host:port, as in 10.0.0.2:9999'],
    ["host:-1", '<a> is "host:-1"; expected host:port, as in 10.0.0.2:9999'],
    ["a b:1", '<a> is "a b:1"; expected host:port, as in 10.0.0.2:9999'],
    ["http://a:8/x", '<a> is "http://a:8/x", which is a URL; expected host:port, as in a:8'],
    ["http://a/x", '<a> is "http://a/x", which is a URL; expected host:port, as in 10.0.0.2:9999'],
    ["a:0", '<a> is "a:0"; expected a port that is not 0'],
  ];
  for (const [text, said] of table) {
    const error = assertThrows(() => addressArgument(text, "<a>", { anyPort: false }), UsageError);
    assertEquals(error.message, said);
  }
});

Deno.test("isMeantAsAddress() tells addresses, also wrong ones, from paths", () => {
  const addresses = [
    "a:1",
    "10.0.0.1",
    "localhost",
    "[::1]",
    "::1",
    "http://a",
    "node-1.lan:99999",
  ];
  for (const text of addresses) assertEquals(isMeantAsAddress(text), true, text);
  const paths = ["", "main.ts", "./a:b/main.ts", "src/main.ts", "ps", "/abs", "a:b"];
  for (const text of paths) assertEquals(isMeantAsAddress(text), false, text);
});
