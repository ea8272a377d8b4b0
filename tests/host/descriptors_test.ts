// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { fitDescriptors, haveDescriptorsFor, parseLimit } from "../../src/host/descriptors.ts";

Deno.test("parseLimit() reads the soft limit of open files", () => {
  const limits = (files: string) =>
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max processes             96364                96364                processes \n" +
    `Max open files            ${files}   files     \n`;
  const table: [string, number][] = [
    [limits("60                   4096              "), 60],
    [limits("unlimited            unlimited         "), Infinity],
    ["", Infinity],
  ];
  for (const [text, limit] of table) assertEquals(parseLimit(text), limit);
});

Deno.test("fitDescriptors() leaves room for all that boot", () => {
  const table: [limit: number, open: number, boots: number, fit: boolean][] = [
    [60, 36, 2, true],
    [60, 37, 2, false],
    [60, 48, 1, true],
    [60, 49, 1, false],
    [Infinity, 1_000_000, 4, true],
    [60, Infinity, 1, false],
  ];
  for (const [limit, open, boots, fit] of table) {
    assertEquals(fitDescriptors(limit, open, boots), fit, `${limit} ${open} ${boots}`);
  }
});

Deno.test("haveDescriptorsFor() counts those of this process", async () => {
  assertEquals(haveDescriptorsFor(1), true);
  if (Deno.build.os !== "linux") return;
  const script = `
    const { haveDescriptorsFor } = await import(${
    JSON.stringify(import.meta.resolve("../../src/host/descriptors.ts"))
  });
    const open = [];
    const answers = [haveDescriptorsFor(1), haveDescriptorsFor(50)];
    for (let count = 0; haveDescriptorsFor(1); count++) open.push(Deno.openSync("/dev/null"));
    try { for (;;) open.push(Deno.openSync("/dev/null")); } catch { /* the limit is reached */ }
    answers.push(haveDescriptorsFor(1));
    for (const file of open) file.close();
    console.log(JSON.stringify([...answers, haveDescriptorsFor(1), open.length >= 12]));
  `;
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", `ulimit -n 100; exec "$0" eval "$1"`, Deno.execPath(), script],
  }).output();
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [true, false, false, true, true]);
});
