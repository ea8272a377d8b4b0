// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";

/** Makes folders in a process of its own, with TMPDIR, and runs `script` with `BuildFolder` and `make`. */
async function inProcess(tmp: string, script: string): Promise<Deno.CommandOutput> {
  const modules = ["../../src/cli/build_folder.ts", "../../src/core/logger.ts"]
    .map((path) => JSON.stringify(import.meta.resolve(path)));
  const text = `
    const { BuildFolder } = await import(${modules[0]});
    const { createLogger } = await import(${modules[1]});
    const make = () => BuildFolder.make(createLogger("debug", (line) => console.error(line)));
    ${script}
  `;
  return await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", new URL("../../deno.json", import.meta.url).pathname, text],
    env: { TMPDIR: tmp },
  }).output();
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function inFolder(test: (tmp: string) => Promise<void>): Promise<void> {
  const tmp = await Deno.makeTempDir({ dir: "/tmp" });
  try {
    await test(tmp);
  } finally {
    await Deno.remove(tmp, { recursive: true });
  }
}

const names = (path: string): string[] => Array.from(Deno.readDirSync(path), ({ name }) => name);

Deno.test("a build folder is removed with its owner, also if it is gone already", async () => {
  await inFolder(async (tmp) => {
    const { stdout } = await inProcess(
      tmp,
      `{
        await using folder = await make();
        Deno.writeTextFileSync(folder.path + "/built.js", "");
        console.log(Deno.statSync(folder.path).mode & 0o777);
      }
      {
        await using folder = await make();
        Deno.removeSync(folder.path, { recursive: true });
      }
      console.log("done");`,
    );
    assertEquals(text(stdout), `${0o700}\ndone\n`);
    assertEquals(names(tmp), []);
  });
});

Deno.test("the build folder of a process that was killed is removed by the next, and no other one", async () => {
  await inFolder(async (tmp) => {
    const { signal } = await inProcess(
      tmp,
      `const { path } = await make();
       Deno.writeTextFileSync(path + "/built.js", "");
       Deno.kill(Deno.pid, "SIGKILL");`,
    );
    assertEquals([signal, names(tmp).length], ["SIGKILL", 1]);
    const { stdout } = await inProcess(
      tmp,
      `const other = await make();
       await (await make())[Symbol.asyncDispose]();
       const names = () => Array.from(Deno.readDirSync(${JSON.stringify(tmp)}), ({ name }) => name);
       // Of the two that remove it, one is done; the other one may be in the middle of it.
       for (let waits = 0; names().length > 1 && waits < 1_000; waits++) {
         await new Promise((resolve) => setTimeout(resolve, 10));
       }
       console.log(JSON.stringify(names()));
       console.log(JSON.stringify([other.path.split("/").pop()]));
       await other[Symbol.asyncDispose]();`,
    );
    const [left, own] = text(stdout).split("\n");
    assertEquals(left, own);
    assertEquals(names(tmp), []);
  });
});

Deno.test("a folder for temporary files that cannot be used is named, and so is its variable", async () => {
  await inFolder(async (tmp) => {
    const { stdout } = await inProcess(
      `${tmp}/nix`,
      `await make().catch(({ message }) => console.log(message));`,
    );
    assertStringIncludes(
      text(stdout),
      `Cannot make a folder in ${tmp}/nix (TMPDIR), for the built program: `,
    );
  });
});

// Chaos, seed 633.
Deno.test("deploy that is told to stop just when it has made its build folder removes it", async () => {
  await inFolder(async (tmp) => {
    const [before, program] = [`${tmp}/before.ts`, `${tmp}/main.ts`];
    await Deno.writeTextFile(program, "");
    await Deno.writeTextFile(
      before,
      `const { mkdirSync } = Deno;
       Deno.mkdirSync = (...args: Parameters<typeof mkdirSync>) => {
         mkdirSync(...args);
         Deno.kill(Deno.pid, "SIGTERM");
       };`,
    );
    await Deno.mkdir(`${tmp}/tmp`);
    const cli = new URL("../../cli.ts", import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--preload", before, cli, "127.0.0.1:1", program],
      env: { TMPDIR: `${tmp}/tmp` },
    }).output();
    assertEquals(code, 143, text(stderr));
    assertEquals(names(`${tmp}/tmp`), []);
  });
});
