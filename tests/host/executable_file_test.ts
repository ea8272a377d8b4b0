/** Which executables a node does not even start. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { whyUnexecutable } from "../../src/host/executable_file.ts";

/** The head of an ELF file whose table of sections ends at 5,000 bytes. */
function head({ machine = 62, isLittle = true } = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, isLittle ? 1 : 2, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(18, machine, isLittle);
  view.setBigUint64(32, 64n, isLittle);
  view.setBigUint64(40, 3_720n, isLittle);
  for (const [at, value] of [[54, 56], [56, 10], [58, 64], [60, 20]] as const) {
    view.setUint16(at, value, isLittle);
  }
  return bytes;
}

Deno.test("whyUnexecutable() says what is no executable, cut off, or made for another processor", () => {
  const none = { why: "it is no executable of Linux", elsewhere: true };
  const encoder = new TextEncoder();
  const table: [
    name: string,
    Uint8Array<ArrayBuffer>,
    bytes: number,
    ReturnType<typeof whyUnexecutable>,
  ][] = [
    ["whole", head(), 5_000, undefined],
    ["with more behind it, as Deno makes them", head(), 90_000_000, undefined],
    ["cut off", head(), 4_999, {
      why: "it is cut off: it has 4.88 KiB, and says it has 4.88 KiB",
      elsewhere: false,
    }],
    ["for another processor", head({ machine: 183 }), 5_000, {
      why: "it is made for aarch64, and this machine is x86_64",
      elsewhere: true,
    }],
    ["for a processor without Deno", head({ machine: 22, isLittle: false }), 5_000, {
      why: "it is made for another processor, and this machine is x86_64",
      elsewhere: true,
    }],
    ["only the first bytes", head().subarray(0, 63), 63, none],
    ["empty", new Uint8Array(), 0, none],
    ["a script that says so", encoder.encode("#!/bin/sh\n"), 10, undefined],
    // A shell would carry these out.
    [
      "a script that looks like one of Windows",
      encoder.encode(`MZ=1\nrm -rf ~\n${"#".repeat(99)}`),
      5_000,
      none,
    ],
    [
      "a script behind the magic number",
      encoder.encode(`\x7fELF\nrm -rf ~\n${"#".repeat(99)}`),
      5_000,
      none,
    ],
  ];
  for (const [name, bytes, size, expected] of table) {
    assertEquals(whyUnexecutable(bytes, size, "x86_64"), expected, name);
  }
});
