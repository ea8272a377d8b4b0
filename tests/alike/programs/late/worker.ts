import { data } from "../beside/lib.ts";

const text: string = Deno.readTextFileSync(new URL("./words.txt", import.meta.url));
// The types are those of the main thread.
(globalThis as unknown as Worker).postMessage([
  data(),
  text.trim(),
  import.meta.main,
  import.meta.filename!.split("/").slice(-3).join("/"),
]);
