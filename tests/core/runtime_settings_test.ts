/** The settings of a program's runtime: what is accepted, and the flags that they become. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import {
  missingOnNodes,
  NO_SETTINGS,
  problemOfSettings,
  readSettings,
  runtimeFeatures,
  type RuntimeSettings,
  settingFlags,
  whenCompiled,
} from "../../src/core/runtime_settings.ts";

const ALL: RuntimeSettings = {
  unstable: ["kv", "temporal"],
  permissions: ["--allow-net=a.example,b.example:80", "--allow-read", "--deny-env=HOME"],
  v8Flags: ["--expose-gc", "--max-old-space-size=64"],
  location: "https://example.com/a",
  certificates: "-----BEGIN CERTIFICATE-----",
};

Deno.test("settings become flags of deno run", () => {
  assertEquals(settingFlags(NO_SETTINGS), ["--allow-all"]);
  assertEquals(settingFlags(ALL, "/runs/1/certificates.pem"), [
    "--allow-net=a.example,b.example:80",
    "--allow-read",
    "--deny-env=HOME",
    "--unstable-kv",
    "--unstable-temporal",
    "--v8-flags=--expose-gc,--max-old-space-size=64",
    "--location=https://example.com/a",
    "--cert=/runs/1/certificates.pem",
  ]);
});

Deno.test("where things are only denied, everything else is allowed", () => {
  const permissions = ["--deny-net=example.com", "--ignore-env=HOME"];
  assertEquals(settingFlags({ ...NO_SETTINGS, permissions }), ["--allow-all", ...permissions]);
});

Deno.test("readSettings() reads what was sent", () => {
  assertEquals(readSettings({ ...ALL }), ALL);
  assertEquals(readSettings({ ...NO_SETTINGS, other: 1 }), NO_SETTINGS);
});

const WRONG: Record<string, unknown> = {
  "no lists": { location: "https://example.com" },
  "a list of numbers": { ...NO_SETTINGS, unstable: [1] },
  "a list that is too long": { ...NO_SETTINGS, unstable: Array(1_000).fill("kv") },
  "a feature with a space": { ...NO_SETTINGS, unstable: ["kv --allow-all"] },
  "another flag as a permission": { ...NO_SETTINGS, permissions: ["--allow-all --inspect"] },
  "a permission that there is not": { ...NO_SETTINGS, permissions: ["--allow-everything"] },
  "an empty entry before those of a node": { ...NO_SETTINGS, permissions: ["--deny-read=x,"] },
  "an empty entry behind them": { ...NO_SETTINGS, permissions: ["--deny-read=,x"] },
  "a word as a flag of V8": { ...NO_SETTINGS, v8Flags: ["main.ts"] },
  "two flags of V8 in one": { ...NO_SETTINGS, v8Flags: ["--a,--b"] },
  "a location that is a file": { ...NO_SETTINGS, location: "file:///etc/passwd" },
  "a location that is no URL": { ...NO_SETTINGS, location: "here" },
  "certificates that are a number": { ...NO_SETTINGS, certificates: 1 },
};

for (const [what, value] of Object.entries(WRONG)) {
  Deno.test(`readSettings() refuses ${what}`, () => {
    assertThrows(() => readSettings(value), ProtocolError);
  });
}

Deno.test("features that only matter to a build do not travel", () => {
  assertEquals(runtimeFeatures(["sloppy-imports", "kv", "raw-imports", "kv"]), ["kv"]);
});

Deno.test("an executable takes on what it can of settings, and says what it cannot", () => {
  const open = ["net", "env", "read", "write"].map((name) => `--allow-${name}`);
  const table: [settings: Partial<RuntimeSettings>, revoked: string[], fixed?: string][] = [
    [{}, []],
    [{ certificates: "x" }, []],
    [{ unstable: ["kv"] }, []],
    [{ permissions: ["--deny-ffi", "--deny-sys"] }, ["ffi", "sys"]],
    [{ permissions: [...open, "--allow-run"] }, ["ffi", "sys"]],
    [{ permissions: ["--allow-all", "--deny-run"] }, ["run"]],
    [{ unstable: ["kv", "cron"] }, [], "--unstable-cron"],
    [{ permissions: ["--deny-read=/etc"] }, [], "--deny-read=/etc"],
    [{ permissions: ["--ignore-env"] }, [], "--ignore-env"],
    [{ v8Flags: ["--expose-gc"] }, [], "--v8-flags=--expose-gc"],
    [{ location: "http://a" }, [], "--location=http://a"],
  ];
  for (const [settings, revoked, fixed] of table) {
    const found = whenCompiled({ ...NO_SETTINGS, ...settings }, (name) => name === "kv");
    assertEquals(found, { revoked, fixed }, JSON.stringify(settings));
  }
});

Deno.test("missingOnNodes() names what processes need and are not given as a whole", () => {
  const table: [permissions: string[], missing: string[]][] = [
    [[], []],
    [["--deny-ffi", "--deny-net=1.2.3.4", "--deny-run"], []],
    [["--allow-all"], []],
    [["--allow-net", "--allow-env=HOME"], ["env", "read", "write"]],
    [["--allow-net", "--allow-env", "--allow-read", "--allow-write"], []],
    [["--deny-env", "--deny-write"], ["env", "write"]],
  ];
  for (const [permissions, missing] of table) {
    assertEquals(missingOnNodes({ ...NO_SETTINGS, permissions }), missing, permissions.join(" "));
  }
});

Deno.test("problemOfSettings() names what is wrong", () => {
  assertMatch(
    problemOfSettings({ ...NO_SETTINGS, location: "x" })!,
    /"x" is not an http or https URL/,
  );
});
