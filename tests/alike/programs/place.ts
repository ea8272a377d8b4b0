// A module has its own place: it finds what lies beside it, and knows whether it is the main module.
import { data, meta as below } from "./beside/lib.ts";
import commonjs from "./beside/c.cjs";

const ROOT = import.meta.dirname!.replace(/\/programs$/, "");

export const prints: readonly string[] = [
  "/programs/place.ts /programs /programs/place.ts false",
  "/programs/beside/lib.ts /programs/beside /programs/beside/lib.ts false",
  "/programs/x beside",
  "/programs/beside /programs/beside/c.cjs false beside",
];

export default function place(): void {
  const inProject = (path: string): string => {
    if (!path.startsWith(`${ROOT}/`)) throw new Error(`${path} is not below ${ROOT}`);
    return path.slice(ROOT.length);
  };
  for (const { url, dirname, filename, main } of [import.meta, below]) {
    console.log(inProject(new URL(url).pathname), inProject(dirname!), inProject(filename!), main);
  }
  console.log(inProject(new URL(below.resolve("../x")).pathname), data());
  console.log(inProject(commonjs.dir), inProject(commonjs.file), commonjs.main, commonjs.data);
}
