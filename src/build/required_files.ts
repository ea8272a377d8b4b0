/**
 * `require()` of files in an executable: its own reads modules from inside the executable only, and a bundle that it
 * runs requires files beside itself.
 */

/**
 * A statement for the beginning of a bundle. As in Deno, a `.cjs` file is CommonJS, and a `.js` file what the nearest
 * `package.json` says; without one, an ES module.
 */
export const REQUIRE_FILES: string = `if (Deno.build.standalone) {
  const typeOf = (path) => {
    for (let at = path.lastIndexOf("/"); at >= 0; at = path.lastIndexOf("/", at - 1)) {
      try {
        return JSON.parse(Deno.readTextFileSync(path.slice(0, at) + "/package.json")).type ?? "commonjs";
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      if (at === 0) break;
    }
    return "module";
  };
  const load = (module, path) => {
    const isModule = !path.endsWith(".cjs") && typeOf(path) === "module";
    module._compile(Deno.readTextFileSync(path), path, isModule ? "module" : "commonjs");
  };
  const { _extensions } = globalThis.process.getBuiltinModule("node:module");
  for (const end of [".js", ".cjs"]) _extensions[end] = load;
  _extensions[".json"] = (module, path) => {
    module.exports = JSON.parse(Deno.readTextFileSync(path));
  };
}`;
