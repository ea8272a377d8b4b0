/** A secret for the clusters of a test file, and for each `deploy` to them. */

import { writeNewSecret } from "../src/fabric/secret_file.ts";

const folder = Deno.makeTempDirSync({ prefix: "deploy-secret-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** The file with it. */
export const SECRET_FILE: string = `${folder}/secret`;

await writeNewSecret(SECRET_FILE);
