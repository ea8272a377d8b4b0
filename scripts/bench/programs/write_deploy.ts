/** A process of a run that writes a lot to stdout. */

import { init } from "deploy";

await init();
const { writeAll } = await import("./write.ts");
writeAll();
