// Modules that are loaded at run time: a worker, an import of a template, of a URL, and
// of a computed name, whose folder is included.
import { work } from "./beside/lib.ts";
import { startOwnWorker } from "./beside/own_worker.ts";

export const prints: readonly string[] = [
  'worker [ "beside", "words", true, "programs/late/worker.ts" ]',
  "own worker true own_worker.ts",
  "template b true",
  "named named.ts false",
  "computed one beside",
  "computed two false",
];

export default async function loaded(): Promise<void> {
  const worker = new Worker(new URL("./late/worker.ts", import.meta.url), { type: "module" });
  const answer = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.terminate();
  console.log("worker", answer);

  console.log("own worker", ...await startOwnWorker());

  const name: string = ["a", "b"].at(-1)!;
  const plugin = await import(`./late/plugin_${name}.ts`);
  console.log("template", plugin.name, plugin.work === work);

  const { named } = await import(new URL("./late/named.ts", import.meta.url).href);
  console.log("named", named);

  for (const each of ["one.ts", "two.mjs"]) {
    const found = await import(import.meta.resolve("./computed/" + each));
    console.log("computed", found.default);
  }
}
