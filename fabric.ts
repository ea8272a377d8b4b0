/** `fabric`: a node, or the master of a cluster. Arguments in, exit status out. */

import { BUNDLE_VARIABLE, REVOKED_VARIABLE } from "./src/host/bundle_variable.ts";
import { BRIDGE_VARIABLE } from "./src/fabric/bridge_config.ts";

/** The role of this process: a fabric restarts itself in two other roles. */
async function main(): Promise<void> {
  const bundle = takeVariable(BUNDLE_VARIABLE);
  // A process of a program must start fast, so it loads nothing else.
  if (bundle !== undefined) {
    const revoked = takeVariable(REVOKED_VARIABLE)?.split(",") ?? [];
    for (const name of revoked) {
      Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
    }
    return void await import(fileUrl(bundle));
  }
  if (takeVariable(BRIDGE_VARIABLE) !== undefined) {
    const { runBridgePart } = await import("./src/fabric/bridge_part.ts");
    Deno.exit(await runBridgePart());
  }
  const { runFabric } = await import("./src/fabric/fabric_main.ts");
  Deno.exit(await runFabric(Deno.args, { out: console.log, error: console.error }));
}

function takeVariable(name: string): string | undefined {
  const value = Deno.env.get(name);
  if (value !== undefined) Deno.env.delete(name);
  return value;
}

function fileUrl(path: string): string {
  const url = new URL("file:///");
  url.pathname = path.replaceAll("%", "%25");
  return url.href;
}

if (import.meta.main) await main();
