/** The choice of the deno that builds programs. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { BuildError } from "../../src/build/build_error.ts";
import { findDeno, type Host } from "../../src/build/find_deno.ts";

interface Setting {
  standalone?: boolean;
  os?: typeof Deno.build.os;
  env?: Record<string, string>;
  files?: string[];
}

function host({ standalone = true, os = "linux", env = {}, files = [] }: Setting): Host {
  return {
    standalone,
    execPath: "/run/by/this",
    os,
    variable: (name) => env[name],
    isFile: (path) => Promise.resolve(files.includes(path)),
  };
}

const everywhere = { PATH: "/a:/b:/c", DEPLOY_DENO: "/mine/deno" };
const onPath = { PATH: "/a:/b:/c", DEPLOY_DENO: "" };

const CASES: readonly [string, Setting, string][] = [
  ["the one in DEPLOY_DENO before the one it runs under", {
    standalone: false,
    env: everywhere,
    files: ["/b/deno", "/mine/deno"],
  }, "/mine/deno"],
  ["the one in DEPLOY_DENO before those on the PATH", {
    env: everywhere,
    files: ["/b/deno", "/mine/deno"],
  }, "/mine/deno"],
  ["the one it runs under", {
    standalone: false,
    env: onPath,
    files: ["/b/deno"],
  }, "/run/by/this"],
  ["the first on the PATH", {
    env: onPath,
    files: ["/c/deno", "/b/deno"],
  }, "/b/deno"],
  ["none in an empty part of the PATH", {
    env: { PATH: ":/a" },
    files: ["/deno", "deno", "/a/deno"],
  }, "/a/deno"],
  ["deno.exe on Windows", {
    os: "windows",
    env: { PATH: "C:\\a;D:\\b" },
    files: ["D:\\b\\deno.exe"],
  }, "D:\\b\\deno.exe"],
];

for (const [name, setting, expected] of CASES) {
  Deno.test(`findDeno() takes ${name}`, async () => {
    assertEquals(await findDeno(host(setting)), expected);
  });
}

Deno.test("findDeno() says where to get deno, if there is none", async () => {
  for (const env of [{}, { PATH: "" }, { PATH: "/a", DEPLOY_DENO: "" }]) {
    await assertRejects(() => findDeno(host({ env })), BuildError, "get it from https://deno.com");
  }
  await assertRejects(
    () => findDeno(host({ standalone: false, env: everywhere, files: ["/b/deno"] })),
    BuildError,
    "DEPLOY_DENO is /mine/deno, which is not a file; expected the path of a deno",
  );
});

Deno.test("findDeno() finds the one that runs this", async () => {
  assertEquals(await findDeno(), Deno.execPath());
});
