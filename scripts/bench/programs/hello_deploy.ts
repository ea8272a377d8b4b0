/** A run that says something. */

import { init } from "deploy";

await init();
console.log("hello");
