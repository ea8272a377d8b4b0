/** Which processes a debugger may attach to. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  checkInspection,
  type Inspection,
  inspectMode,
  parseInspection,
} from "../../src/core/inspection.ts";
import { ProtocolError } from "../../src/core/errors.ts";

Deno.test("a list names the functions; without one, all are meant", () => {
  assertEquals(parseInspection("", false), { names: null, breaks: false });
  assertEquals(parseInspection("worker, merge", true), {
    names: ["worker", "merge"],
    breaks: true,
  });
  for (const text of [",", "worker,", " ", "x".repeat(257)]) {
    assertThrows(() => parseInspection(text, false), SyntaxError, "name");
  }
});

Deno.test("processes are meant by their functions, and the first one by its name", () => {
  const table: [Inspection | undefined, string | null, string, "open" | "break" | undefined][] = [
    [undefined, "worker", "worker", undefined],
    [{ names: null, breaks: false }, "worker", "w 1", "open"],
    [{ names: null, breaks: true }, null, "main.ts", "break"],
    [{ names: ["worker"], breaks: false }, "worker", "w 1", "open"],
    [{ names: ["worker"], breaks: false }, "merge", "worker", undefined],
    [{ names: ["worker"], breaks: false }, null, "main.ts", undefined],
    [{ names: ["main.ts"], breaks: true }, null, "main.ts", "break"],
  ];
  for (const [inspection, fn, name, mode] of table) {
    assertEquals(inspectMode(inspection, { function: fn, name }), mode, `${fn} ${name}`);
  }
});

Deno.test("what comes from another machine is checked", () => {
  for (const value of [{ names: null, breaks: true }, { names: ["a"], breaks: false }]) {
    assertEquals(checkInspection(value), value);
  }
  const wrong = [
    ...[{}, { names: null }, { names: "a", breaks: true }, { names: [1], breaks: true }],
    ...[{ names: Array(257).fill("a"), breaks: true }, { names: ["a".repeat(257)], breaks: true }],
  ];
  for (const value of wrong) assertThrows(() => checkInspection(value), ProtocolError);
});
