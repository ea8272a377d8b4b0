/**
 * Modules that a program names and that are not there. What loads one when it runs, by `import()` or `require()`, may
 * do without it, or make it first: it is left to the program, as in Deno. The bundler gets such a module as an
 * external, and calls it by its absolute path here, which becomes one in the mirrored project.
 */

import { closing, type Token } from "./js_tokens.ts";

/** An error about a module that is not there: a file, or a name; and the place of the import. */
const ABSENT =
  /(?:Module not found "(file:[^"\n]+)"|Import '(file:[^'\n]+)' failed, not found|Import "([^"\n]+)" not a dependency|Cannot read file: ([^\n]+))[^\n]*\n\s+at (file:\S+)/g;

/** Modules of packages: they are handled elsewhere. */
const OF_PACKAGE = /\/(?:npm|node_modules)\//;
/** The runtime, which is found in another way. */
const RUNTIME = /^deploy(?:\/|$)/;

/** The modules that the errors of the bundler say are not there: absolute paths, or names as they are written. */
export function absentInErrors(details: string): string[] {
  return Array.from(details.matchAll(ABSENT)).flatMap(([, missing, failed, name, path, place]) => {
    if (OF_PACKAGE.test(place!)) return [];
    if (name !== undefined) return RUNTIME.test(name) ? [] : [name];
    const href = missing ?? failed;
    return path ?? decodeURIComponent(new URL(href!).pathname);
  });
}

/** Whether a bundle imports one of these externals before it runs, which cannot succeed. */
export function importsAtStart(code: string, externals: readonly string[]): boolean {
  return externals.map((name) => JSON.stringify(name)).some((quoted) =>
    code.includes(` from ${quoted};\n`) || code.includes(`\nimport ${quoted};\n`) ||
    code.startsWith(`import ${quoted};\n`)
  );
}

/** An `import()` or `require()` of a literal. */
export interface LoadCall {
  readonly by: "import" | "require";
  readonly literal: Token;
  /** What it names. */
  readonly name: string;
}

/** The `import("x")` or `require("x")` that begins at `index` in the tokens of a bundle. */
export function loadCallAt(tokens: readonly Token[], index: number): LoadCall | undefined {
  const { text } = tokens[index]!;
  const by = { import: "import", __require: "require" }[text];
  const literal = tokens[index + 2];
  if (by === undefined || tokens[index - 1]?.text === ".") return undefined;
  if (tokens[index + 1]?.text !== "(" || literal?.kind !== "literal") return undefined;
  const isFirst = tokens[index + 3]?.text === "," || closing(tokens, index + 1) === index + 3;
  if (!isFirst || !literal.text.startsWith('"')) return undefined;
  return { by: by as LoadCall["by"], literal, name: JSON.parse(literal.text) };
}
