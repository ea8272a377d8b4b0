/**
 * A program whose modules print their places and names. Its output is the same in every
 * way of running it.
 */
export const MODULES_PROJECT: Record<string, string> = {
  "src/main.ts": `
import { init, spawn, wait } from "deploy";
import * as lib from "./lib/lib.ts";
import cjs from "./lib/c.cjs";

const root = import.meta.dirname!.replace(/\\/src$/, "");
const below = (path: string) => path.replace(root, "<root>");

/** Has the same name as a function of lib.ts. */
function work() {}
class TimeoutError extends Error {
  static readonly none = new TimeoutError("none");
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}
function tell(who: string) {
  const { url, dirname, filename, main } = import.meta;
  console.log(who, "main", below(decodeURIComponent(new URL(url).pathname)), below(dirname!), below(filename!), main);
  const { meta } = lib;
  console.log(who, "lib", below(meta.dirname!), below(meta.filename!), meta.main, lib.load());
  console.log(who, "resolved", below(decodeURIComponent(new URL(meta.resolve("./x")).pathname)));
  console.log(who, "cjs", below(cjs.dir), below(cjs.file), cjs.main);
  console.log(who, "names", work.name, lib.work.name, TimeoutError.name, TimeoutError.none.name, lib.default.name);
}
function child() {
  tell("child");
}
await init({ functions: { child } });
tell("first");
await wait(await spawn(child));
`,
  "src/lib/lib.ts": `
export const meta = import.meta;
export const load = (): number => JSON.parse(Deno.readTextFileSync(new URL("./data.json", import.meta.url))).v;
export function work(): number { return 1; }
export default function (): void {}
`,
  "src/lib/data.json": '{ "v": 7 }',
  "src/lib/c.cjs":
    "module.exports = { dir: __dirname, file: __filename, main: require.main === module };\n",
};
