/** Titles of processes: their colours, and when they have one. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { stripVTControlCharacters } from "node:util";
import { randomId } from "../../src/core/pid.ts";
import {
  PID_COLORS,
  ProcessNames,
  processTitle,
  type TitleOptions,
} from "../../src/terminal/process_title.ts";
import { FIRST, testPid } from "./events.ts";

Deno.test("processTitle() is 7 digits and the name, plain, in colour, and bold as a heading", () => {
  const title = (options: TitleOptions, name: string | undefined = "main.ts") =>
    processTitle(FIRST, name, options);
  assertEquals(title({ colors: false }), "3fecd01 main.ts");
  assertEquals(title({ colors: false, heading: true }), "3fecd01 main.ts");
  assertEquals(title({ colors: true }), "\x1b[38;5;64m3fecd01\x1b[39m main.ts");
  assertEquals(
    title({ colors: true, heading: true }),
    "\x1b[1m\x1b[38;5;64m3fecd01\x1b[39m main.ts\x1b[22m",
  );
  assertEquals(processTitle(FIRST, undefined, { colors: false }), "3fecd01");
});

Deno.test("ProcessNames knows the names of processes that have not ended", () => {
  const names = new ProcessNames();
  names.add(FIRST, "main.ts");
  assertEquals(names.title(FIRST, { colors: false }), "3fecd01 main.ts");
  names.delete(FIRST);
  assertEquals(names.title(FIRST, { colors: false }), "3fecd01");
});

Deno.test("processTitle() uses every colour, and the same one for the same Pid", () => {
  const seen = new Set<string>();
  for (let index = 0; index < 1000; index++) {
    const pid = testPid(randomId());
    const name = processTitle(pid, undefined, { colors: true });
    assertEquals(name, processTitle(pid, undefined, { colors: true }));
    assertEquals(stripVTControlCharacters(name), pid.slice(0, 7));
    seen.add(name.replace(pid.slice(0, 7), ""));
  }
  // That 1000 random names miss one of 12 colours happens once in 10^36 runs.
  assertEquals(seen.size, PID_COLORS.length);
});

/** Relative luminance of a colour of the palette's 6 × 6 × 6 cube, as WCAG defines it. */
function luminance(color: number): number {
  const levels = [0, 95, 135, 175, 215, 255];
  const [red, green, blue] = [36, 6, 1].map((step) => {
    const share = levels[Math.floor((color - 16) / step) % 6]! / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

Deno.test("PID_COLORS are readable on black and on white", () => {
  for (const color of PID_COLORS) {
    const light = luminance(color);
    assert(1.05 / (light + 0.05) > 3.9, `${color} on white`);
    assert((light + 0.05) / 0.05 > 3.9, `${color} on black`);
  }
});
