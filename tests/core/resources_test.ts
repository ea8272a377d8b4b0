/** Memory and CPU as people write them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  DEFAULT_RESOURCES,
  formatMem,
  GiB,
  invalidResource,
  KiB,
  MiB,
  parseMem,
  parseResources,
  resolveResources,
  type Resources,
} from "../../src/core/resources.ts";

Deno.test("parseMem() reads what people write", () => {
  const table: [text: string, bytes: number][] = [
    ["0", 0],
    ["512", 512],
    ["512 B", 512],
    ["100 MiB", 100 * MiB],
    ["400GiB", 400 * GiB],
    ["1.5 GB", 1_500_000_000],
    [".5KiB", 512],
    ["1k", 1024],
    ["1 kB", 1000],
    ["1K", 1024],
    ["2m", 2 * MiB],
    ["2MB", 2_000_000],
    ["3 g", 3 * GiB],
    ["1T", 1024 * GiB],
    ["1TiB", 1024 * GiB],
    ["1 TB", 1e12],
    ["1 gib", GiB],
    ["  7 mib  ", 7 * MiB],
    ["0.3", 0],
    ["1.0000001 KiB", 1024],
  ];
  for (const [text, bytes] of table) assertEquals(parseMem(text), bytes, text);
});

Deno.test("parseMem() throws SyntaxError for anything else, and shows an example", () => {
  const table = ["", " ", "MiB", "-1", "+1", "1e3", "1 XB", "1 MiB 2", "1,5 GB", "0x10", "1..5"];
  table.push("NaN", "Infinity", "1.", "1 MiBs", "99999999 TiB", "9".repeat(400));
  for (const text of table) {
    const error = assertThrows(() => parseMem(text), SyntaxError, '"100 MiB"');
    assert(error.message.startsWith(`Cannot read ${JSON.stringify(text)} as`), error.message);
  }
});

Deno.test("formatMem() is short, and precise where it matters", () => {
  const table: [bytes: number, text: string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [KiB, "1 KiB"],
    [1536, "1.5 KiB"],
    [131 * MiB, "131 MiB"],
    [99.94 * MiB, "99.9 MiB"],
    [1023 * MiB, "1023 MiB"],
    [1020 * MiB, "1020 MiB"],
    [GiB, "1 GiB"],
    [1.234 * GiB, "1.23 GiB"],
    [400 * GiB, "400 GiB"],
    [5000 * GiB, "5000 GiB"],
  ];
  for (const [bytes, text] of table) assertEquals(formatMem(bytes), text);
});

Deno.test("parseMem() of formatMem() is within 0.5 % of the amount", () => {
  for (let bytes = 1; bytes < 2 ** 50; bytes = Math.ceil(bytes * 1.037)) {
    const again = parseMem(formatMem(bytes));
    assert(Math.abs(again - bytes) <= bytes * 0.005, `${bytes} became ${formatMem(bytes)}`);
  }
});

Deno.test("invalidResource() names the resource and its value", () => {
  const table: [mem: unknown, cpu: unknown, why: string | undefined][] = [
    [0, 0, undefined],
    [100 * MiB, 1 / 16, undefined],
    [-1, 1, "mem is -1, "],
    [NaN, 1, "mem is NaN, "],
    [Infinity, 1, "mem is Infinity, "],
    [1, -0.5, "cpu is -0.5, "],
    [1, NaN, "cpu is NaN, "],
    [1, Infinity, "cpu is Infinity, "],
    ["1 GiB", 1, 'mem is "1 GiB", '],
    [1, null, "cpu is null, "],
    [1, undefined, "cpu is undefined, "],
    [1n, 1, "mem is 1, "],
  ];
  for (const [mem, cpu, why] of table) {
    const found = invalidResource({ mem, cpu } as Resources);
    const expected = why && `${why}must be a finite number and at least 0`;
    assertEquals(found, expected);
  }
});

Deno.test("resolveResources() fills in missing parts", () => {
  assertEquals(resolveResources(undefined), { mem: 100 * MiB, cpu: 1 / 16 });
  assertEquals(resolveResources({}), { ...DEFAULT_RESOURCES });
  assertEquals(resolveResources({ mem: 0 }), { mem: 0, cpu: 1 / 16 });
  assertEquals(resolveResources({ cpu: 2 }, { mem: 5, cpu: 1 }), { mem: 5, cpu: 2 });
  // A caller without types may pass this; the type does not allow `undefined`.
  const given = { mem: undefined } as unknown as Partial<Resources>;
  assertEquals(resolveResources(given), { ...DEFAULT_RESOURCES });
});

Deno.test("parseResources() reads either part, in either order", () => {
  const table: [text: string, found: Partial<Resources>][] = [
    ["", {}],
    ["mem=1GiB,cpu=2", { mem: GiB, cpu: 2 }],
    ["cpu=0.5,mem=100 MiB", { cpu: 0.5, mem: 100 * MiB }],
    [" mem = 1 GiB , ", { mem: GiB }],
    ["cpu=0", { cpu: 0 }],
    ["cpu=-1", { cpu: -1 }], // invalidResource() refuses it, and says why
  ];
  for (const [text, found] of table) assertEquals(parseResources(text), found, text);
});

Deno.test("parseResources() throws SyntaxError for anything else", () => {
  const table = ["mem", "mem=", "cpu=", "cpu=two", "cpu=NaN", "disk=1", "mem=1=2", "1GiB"];
  table.push("mem=1GiB;cpu=2", "MEM=1", "mem=two");
  for (const text of table) assertThrows(() => parseResources(text), SyntaxError, "Cannot read");
});
