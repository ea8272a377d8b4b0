/** The sources of bridge and program, and the environment variables of a program. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import { scanArguments } from "../../src/cli/arguments.ts";
import { readRunCommand, type RunCommand } from "../../src/cli/deploy_arguments.ts";
import { DEPLOY } from "../../src/cli/deploy_table.ts";
import {
  bridgeAddress,
  programEnv,
  projectDefaults,
  readDefaults,
  withDefaults,
} from "../../src/cli/run_settings.ts";

function command(...args: string[]): RunCommand {
  return readRunCommand(scanArguments(args, DEPLOY), () => false);
}

Deno.test("readDefaults() reads the deploy settings of deno.json, with comments", () => {
  const table: [text: string, expected: unknown][] = [
    [`{}`, {}],
    [`{ "deploy": {} }`, {}],
    [`{ "deploy": { "bridge": "a:1" } }`, { bridge: "a:1" }],
    [`{ "deploy": { "bridge": "a:1", "main": "b.ts", "mem": "1GiB", "cpu": 0.5 } }`, {
      bridge: "a:1",
      main: "b.ts",
      mem: 1024 ** 3,
      cpu: 0.5,
    }],
    [`{ "deploy": { "secretFile": "s", "include": ["a", "b"], "env": { "A": "1", "B": "" } } }`, {
      secretFile: "s",
      include: ["a", "b"],
      env: new Map([["A", "1"], ["B", ""]]),
    }],
    [`{ "deploy": { "env": ["A=1", "HOME"] } }`, {
      env: new Map([["A", "1"], ["HOME", undefined]]),
    }],
    [
      `// one\n{ /* two "deploy": */ "imports": { "x": "https://x/" },\n "deploy": { "main": "b//c.ts", }, }`,
      { main: "b//c.ts" },
    ],
    [`{ "deploy": { "main": "b.ts" /* here */, /* not "c.ts", */ }, // it\n}`, { main: "b.ts" }],
    [`what deno itself will complain about`, {}],
  ];
  for (const [text, expected] of table) assertEquals(readDefaults(text, "deno.json"), expected);
});

Deno.test("readDefaults() names the field that is wrong", () => {
  const table: [text: string, message: string][] = [
    [`{ "deploy": "a:1" }`, `"deploy" in d.json is not an object`],
    [`{ "deploy": null }`, `"deploy" in d.json is not an object`],
    [`{ "deploy": { "bridge": 1 } }`, `"deploy"."bridge" in d.json is invalid; expected a string`],
    [
      `{ "deploy": { "maim": "b.ts" } }`,
      `"deploy"."maim" in d.json is unknown; did you mean "main"?`,
    ],
    [
      `{ "deploy": { "release": true } }`,
      `"deploy"."release" in d.json is unknown; expected bridge, main, secretFile, include, env, mem or cpu`,
    ],
    [
      `{ "deploy": { "include": "a" } }`,
      `"deploy"."include" in d.json is invalid; expected a list`,
    ],
    [
      `{ "deploy": { "env": { "A": 1 } } }`,
      `"deploy"."env" in d.json is invalid; expected strings`,
    ],
    [`{ "deploy": { "mem": 512 } }`, `"deploy"."mem" in d.json is "512", which means 512 bytes`],
    [`{ "deploy": { "cpu": "2" } }`, `"deploy"."cpu" in d.json is invalid; expected a number`],
    [`{ "deploy": { "cpu": -1 } }`, `"deploy"."cpu" in d.json is "-1"; expected a number of cores`],
    [`{ "deploy": { "main": "" } }`, `"deploy"."main" in d.json is invalid; expected a string`],
  ];
  for (const [text, message] of table) {
    assertThrows(() => readDefaults(text, "d.json"), UsageError, message);
  }
});

const warn = (line: string): void => {
  throw new Error(line);
};

Deno.test("projectDefaults() takes the nearest deno.json, and its main relative to that", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    assertEquals(await projectDefaults(`${folder}/a/b`, { warn }), {});
    const deploy = { bridge: "h:1", main: "src/main.ts", include: ["data"], secretFile: "/s" };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ deploy }));
    assertEquals(await projectDefaults(folder, { warn }), deploy);
    assertEquals(await projectDefaults(`${folder}/a/b`, { warn }), {
      ...deploy,
      main: `${folder}/src/main.ts`,
      include: [`${folder}/data`],
    });
    await Deno.writeTextFile(`${folder}/a/deno.jsonc`, `{ "deploy": { "main": "/x.ts" } } // it`);
    assertEquals(await projectDefaults(`${folder}/a/b`, { warn }), { main: "/x.ts" });
    await Deno.mkdir(`${folder}/a/b/deno.json`);
    assertEquals(
      await projectDefaults(`${folder}/a/b`, { warn }),
      { main: "/x.ts" },
      "a folder is none",
    );
    const inFile = `${folder}/a/deno.jsonc/b`;
    await assertRejects(() => projectDefaults(inFile, { warn }), UsageError, "cannot be read");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "a deno.json of another user chooses no bridge, and sends no variables there",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir());
    try {
      await Deno.mkdir(`${folder}/mine`);
      const deploy = { bridge: "evil:1", env: ["TOKEN"] };
      await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ deploy }));
      await Deno.chown(`${folder}/deno.json`, 65534, 65534);
      const lines: string[] = [];
      const warn = (line: string) => void lines.push(line);
      const program = `${folder}/mine`;
      assertEquals(await projectDefaults(`${folder}/mine`, { program, warn }), {});
      assertEquals(lines.length, 1);
      assertStringIncludes(lines[0]!, `${folder}/deno.json is not read`);
      // Neither in the working directory, for a program elsewhere.
      await Deno.chown(folder, 65534, 65534);
      assertEquals(await projectDefaults(folder, { program, warn }), {});
      const of = { program: folder, warn };
      assertEquals((await projectDefaults(folder, of)).bridge, "evil:1", "a program of that user");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("bridgeAddress() prefers the argument, then DEPLOY_BRIDGE, deno.json, and what fabric dev has", () => {
  const defaults = { bridge: "json:3" };
  assertEquals(bridgeAddress(command("arg:1"), "env:2", defaults), { host: "arg", port: 1 });
  assertEquals(bridgeAddress(command(), "env:2", defaults), { host: "env", port: 2 });
  assertEquals(bridgeAddress(command(), "", defaults), { host: "json", port: 3 });
  assertEquals(bridgeAddress(command(), undefined, defaults), { host: "json", port: 3 });
  assertEquals(bridgeAddress(command(), undefined, {}), { host: "127.0.0.1", port: 8888 });
  assertThrows(
    () => bridgeAddress(command(), "nowhere", {}),
    UsageError,
    `DEPLOY_BRIDGE is "nowhere", which has no port; expected host:port, as in nowhere:8888`,
  );
  assertThrows(
    () => bridgeAddress(command(), undefined, { bridge: "h:0" }),
    UsageError,
    `"deploy"."bridge" in deno.json is "h:0"; expected a port that is not 0`,
  );
});

Deno.test("withDefaults() prefers what the command says, and adds variables and files", () => {
  const defaults = {
    main: "b.ts",
    mem: 1024 ** 3,
    cpu: 2,
    include: ["data"],
    env: new Map([["A", "json"], ["B", "json"]]),
  };
  const { program, resources, include, env } = withDefaults(command(), defaults);
  assertEquals({ program, resources, include, env }, {
    program: "b.ts",
    resources: { mem: 1024 ** 3, cpu: 2 },
    include: ["data"],
    env: defaults.env,
  });
  const own = ["a.ts", "--cpu=1", "--include", "more", "--env", "A=arg"];
  const said = withDefaults(command(...own), defaults);
  assertEquals(said.program, "a.ts");
  assertEquals(said.resources, { mem: 1024 ** 3, cpu: 1 });
  assertEquals(said.include, ["data", "more"]);
  assertEquals(Object.fromEntries(said.env), { A: "arg", B: "json" });
});

Deno.test("programEnv() gives the variables of --env, and no others", () => {
  const here = (name: string) => ({ HOME: "/home", EMPTY: "" })[name];
  const { env } = command("--env", "A=1", "--env", "HOME", "--env", "EMPTY", "--env", "B=x=y");
  assertEquals(programEnv(env, here), { A: "1", HOME: "/home", EMPTY: "", B: "x=y" });
  assertEquals(programEnv(new Map(), here), {});
  assertThrows(
    () => programEnv(command("--env", "NONE").env, here),
    UsageError,
    "--env NONE is not set here; set it, or write --env NONE=VALUE",
  );
});
