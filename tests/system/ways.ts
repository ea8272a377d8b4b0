/**
 * The ways of running a program, all with the same outcome. Tests use the first one, unless the
 * environment says otherwise:
 *
 * - on this machine, by `deno run`;
 * - as an executable, if `DEPLOY_TEST_COMPILED` is set; the deno in `COMPILE_DENO` compiles it;
 * - on a cluster, if `DEPLOY_TEST_BRIDGE` is the address of its bridge.
 */

import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);
const CONFIG = new URL("deno.json", ROOT).pathname;

export type Way = "run" | "compiled" | "deployed";

/** The way that this run of the tests uses. */
export const way: Way = Deno.env.get("DEPLOY_TEST_BRIDGE")
  ? "deployed"
  : Deno.env.get("DEPLOY_TEST_COMPILED")
  ? "compiled"
  : "run";

/** A program, and how it is run. */
export interface WaysOptions {
  readonly args: readonly string[];
  /** Arguments of `deno run`. */
  readonly flags: readonly string[];
  /** Environment variables of the program. */
  readonly env: Record<string, string>;
  readonly deno: string;
  readonly format: "json" | "human";
}

/** The command that runs `main.ts` in `directory`. */
export async function commandFor(
  directory: string,
  { args, flags, env, deno, format }: WaysOptions,
): Promise<{ path: string; args: string[]; env: Record<string, string> }> {
  const variables = { NO_COLOR: "1", ...env, DEPLOY_FORMAT: format };
  switch (way) {
    case "run": {
      const words = ["run", "--quiet", "--no-lock", "--config", CONFIG, ...flags, "main.ts"];
      return { path: deno, args: [...words, ...args], env: variables };
    }
    case "compiled": {
      const path = `${directory}/main`;
      const words = ["compile", "--quiet", "--no-lock", "--no-check", "--config", CONFIG, ...flags];
      const { success, stderr } = await new Deno.Command(Deno.env.get("COMPILE_DENO") ?? deno, {
        args: [...words, "--output", path, "main.ts"],
        cwd: directory,
        stdin: "null",
      }).output();
      if (!success) throw new Error(`Cannot compile: ${new TextDecoder().decode(stderr)}`);
      return { path, args: [...args], env: variables };
    }
    case "deployed": {
      const imports = { ...config.imports, deploy: new URL("mod.ts", ROOT).href };
      await Deno.writeTextFile(`${directory}/deno.json`, JSON.stringify({ imports }));
      const cli = new URL("cli.ts", ROOT).pathname;
      const given = Object.entries({ NO_COLOR: "1", ...env })
        .map(([name, value]) => `--env=${name}=${value}`);
      const words = ["run", "-A", "--quiet", cli, "--format", format, ...given];
      const bridge = Deno.env.get("DEPLOY_TEST_BRIDGE") ?? "";
      return { path: deno, args: [...words, bridge, "main.ts", "--", ...args], env: {} };
    }
  }
}
