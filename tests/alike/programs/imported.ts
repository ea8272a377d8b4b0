// What an import finds: the default export of a CommonJS module, namespaces, what is required from files, and
// what is not there.
import { createRequire } from "node:module";
import compiled, { named } from "./beside/es_module.cjs";
import * as lib from "./beside/lib.ts";

export const prints: readonly string[] = [
  "{ default: 1, named: 2 } 2",
  "[object Module] null true",
  "part data deep",
  "TypeError false",
  "MODULE_NOT_FOUND",
];

export default async function imported(): Promise<void> {
  console.log(compiled, named);
  const isSame = lib.work === (await import("./beside/lib.ts")).work;
  console.log(Object.prototype.toString.call(lib), Object.getPrototypeOf(lib), isSame);

  const require = createRequire(import.meta.url);
  const load = (name: string) => require(`./computed/${name}`);
  console.log(load("part.cjs").part, load("part.json").data, load("part.cjs").deep);

  const error = await import("./" + "not_there.ts").catch((error: Error) => error);
  console.log(error.name, error.message.includes("undefined"));
  try {
    require("./not_there.cjs");
  } catch (error) {
    console.log((error as { code: string }).code);
  }
}
