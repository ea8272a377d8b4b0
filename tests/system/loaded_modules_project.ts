/** A program that loads modules from files at run time, in all possible ways. */
export const LOADED_PROJECT: Record<string, string> = {
  "src/main.ts": `
import { init } from "deploy";
import { greet } from "@lib/greet.ts";

await init();
console.log(greet("program"));

const worker = new Worker(new URL("./work/worker.ts", import.meta.url), { type: "module" });
const answer = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
worker.terminate();
console.log("worker", answer);

const name: string = ["a", "b"].at(-1)!;
const plugin = await import(\`./plugins/\${name}.ts\`);
console.log("template", plugin.name, plugin.greet === greet);

const { named } = await import(new URL("./named.ts", import.meta.url).href);
console.log("named", named);

for (const each of ["one.ts", "two.mjs"]) {
  const found = await import(import.meta.resolve("../computed/" + each));
  console.log("computed", found.default);
}
`,
  "src/work/worker.ts": `
import { greet } from "@lib/greet.ts";
const text: string = Deno.readTextFileSync(new URL("./words.txt", import.meta.url));
postMessage([greet("worker"), text, import.meta.main, import.meta.filename!.split("/").slice(-3).join("/")]);
`,
  "src/work/words.txt": "words",
  "src/plugins/a.ts": 'export const name = "a";\n',
  "src/plugins/b.ts": 'export { greet } from "@lib/greet.ts";\nexport const name: string = "b";\n',
  "src/named.ts":
    "export const named: string = import.meta.url.split('/').at(-1)! + import.meta.main;\n",
  "lib/greet.ts": 'export const greet = (name: string): string => "hello " + name;\n',
  "computed/one.ts":
    'import { greet } from "@lib/greet.ts";\nexport default greet("one") as string;\n',
  "computed/two.mjs": 'export default "two" + import.meta.main;\n',
};

/** Its part of deno.json. */
export const LOADED_IMPORTS = { "@lib/": "./lib/" };

/** The files that `deploy` cannot find by itself. */
export const LOADED_INCLUDES = ["--include", "computed"];
