/** Which files are removed when room is needed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { cacheFolder } from "../../src/store/cache_folder.ts";
import { chooseVictims, type Eviction, type KeptFile } from "../../src/store/kept_files.ts";
import { numbers } from "./files.ts";

const A: KeptFile = { id: "a", sizeBytes: 10, usedMs: 3 };
const B: KeptFile = { id: "b", sizeBytes: 20, usedMs: 1 };
const C: KeptFile = { id: "c", sizeBytes: 30, usedMs: 2 };

const CASES: readonly [string, number | Eviction, string[], string[]][] = [
  ["nothing if all fits", 60, [], []],
  ["the one not used for longest", 59, [], ["b"]],
  ["as many as it takes", 10, [], ["b", "c"]],
  ["everything but what is in use", 0, ["c"], ["b", "a"]],
  ["nothing if all is in use", 0, ["a", "b", "c"], []],
  ["what is needed, also below the limit", { limitBytes: 60, lackBytes: 1 }, [], ["b"]],
  ["what is needed, or all", { limitBytes: 60, lackBytes: 1_000 }, ["c"], ["b", "a"]],
  ["what the limit says, if that is more", { limitBytes: 10, lackBytes: 20 }, [], ["b", "c"]],
];

for (const [name, limit, pinned, victims] of CASES) {
  Deno.test(`chooseVictims() gives ${name}`, () => {
    const eviction = typeof limit === "number" ? { limitBytes: limit } : limit;
    assertEquals(chooseVictims([A, B, C], eviction, new Set(pinned)), victims);
  });
}

Deno.test("chooseVictims() meets the limit or keeps only pinned files, and removes no more than it must", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const next = numbers(seed);
  for (let round = 0; round < 500; round++) {
    const files = Array.from({ length: next() % 12 }, (_, index): KeptFile => ({
      id: String(index),
      sizeBytes: next() % 100,
      usedMs: next() % 8,
    }));
    const pinned = new Set(files.filter(() => next() % 3 === 0).map(({ id }) => id));
    const limit = next() % 500;
    const victims = chooseVictims(files, { limitBytes: limit }, pinned);
    const total = (but: string[]) =>
      files.filter(({ id }) => !but.includes(id)).reduce((sum, file) => sum + file.sizeBytes, 0);
    const said = `seed ${seed}, round ${round}`;
    assert(victims.every((id) => !pinned.has(id)), said);
    assert(total(victims) <= limit || victims.length + pinned.size === files.length, said);
    assert(victims.length === 0 || total(victims.slice(0, -1)) > limit, said);
    const spared = files.filter(({ id }) => !victims.includes(id) && !pinned.has(id));
    const used = (id: string) => files.find((file) => file.id === id)?.usedMs ?? NaN;
    assert(victims.every((id) => spared.every((file) => used(id) <= file.usedMs)), said);
  }
});

Deno.test("cacheFolder() follows the system's convention", () => {
  const cases: [Record<string, string>, typeof Deno.build.os, string | undefined][] = [
    [{ HOME: "/home/ada" }, "linux", "/home/ada/.cache/deploy"],
    [{ HOME: "/home/ada", XDG_CACHE_HOME: "/big/cache" }, "linux", "/big/cache/deploy"],
    [{ HOME: "/home/ada", XDG_CACHE_HOME: "relative" }, "linux", "/home/ada/.cache/deploy"],
    [{ XDG_CACHE_HOME: "/big/cache" }, "linux", "/big/cache/deploy"],
    [{}, "linux", undefined],
    [{ HOME: "" }, "linux", undefined],
    [{ HOME: "/Users/ada" }, "darwin", "/Users/ada/Library/Caches/deploy"],
    [{ LOCALAPPDATA: "C:\\Ada" }, "windows", "C:\\Ada\\deploy"],
  ];
  for (const [variables, os, expected] of cases) {
    assertEquals(cacheFolder((name) => variables[name], os), expected);
  }
});
