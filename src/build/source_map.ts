/** Corrects the source map of a bundle, so that stacks name the user's files and lines. */

import type { Entry } from "./entry.ts";
import { packageOf } from "./module_place.ts";

/** Code, and the map from its lines to those of its sources. */
export interface MappedCode {
  readonly code: string;
  readonly map: SourceMap;
}

/** The parts of a source map that are used. */
export interface SourceMap {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[];
  /** The mappings of the code's lines, separated by semicolons. */
  readonly mappings: string;
  readonly names?: readonly string[];
}

const MAP_COMMENT = "//# sourceMappingURL=";
const MAP_PREFIX = `${MAP_COMMENT}data:application/json;base64,`;

/** Splits code from its inline source map; `undefined` if there is no map. */
export function splitMap(text: string): MappedCode | undefined {
  const start = text.lastIndexOf(MAP_PREFIX);
  if (start < 0) return undefined;
  const base64 = text.slice(start + MAP_PREFIX.length).trim();
  const bytes = Uint8Array.fromBase64(base64);
  const map = JSON.parse(new TextDecoder().decode(bytes)) as SourceMap;
  return { code: text.slice(0, start), map };
}

/** The opposite of {@linkcode splitMap}. */
export function joinMap({ code, map }: MappedCode): string {
  // Non-ASCII characters are escaped, since btoa() takes bytes.
  const json = JSON.stringify(map).replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${code}${MAP_PREFIX}${btoa(json)}\n`;
}

/** The replacement of esbuild's `require` by `deno bundle`, which is three lines shorter. */
const REQUIRE_SHIM = /^var __require = __deno_internal_createRequire\(import\.meta\.url\);$/m;
const REQUIRE_SHIM_MISSING_LINES = 3;

/**
 * Restores the lines that `deno bundle` removes after the map was made: in
 * bundles that need `require`, every line after its definition would otherwise be reported three too low.
 */
export function alignLines({ code, map }: MappedCode): MappedCode {
  const shim = REQUIRE_SHIM.exec(code);
  if (shim === null || isAligned({ code, map })) return { code, map };
  const end = shim.index + shim[0].length;
  const lines = "\n".repeat(REQUIRE_SHIM_MISSING_LINES);
  return { code: code.slice(0, end) + lines + code.slice(end), map };
}

/** Whether the first mapped line is the one below the first module's name. */
function isAligned({ code, map }: MappedCode): boolean {
  const name = code.search(/^\/\/ /m);
  const firstMapped = map.mappings.search(/[^;]/);
  return name < 0 || code.slice(0, name).split("\n").length === firstMapped;
}

/** Inserts a line before the code, replacing a `#!` line if there is one. */
export function prependLine(line: string, { code, map }: MappedCode): MappedCode {
  if (code.startsWith("#!")) return { code: code.replace(/^#!.*/, () => line), map };
  return { code: `${line}\n${code}`, map: { ...map, mappings: `;${map.mappings}` } };
}

/**
 * Gives the sources these names, which stack traces show, in place of paths from the entry to them. Their text is
 * left out unless it is wanted: deno does not show it, and every process of a program reads the map at its start.
 *
 * Names are to be URLs: deno takes others for paths from the bundle. If there is a file at such a URL where the program
 * runs, deno shows its line above the trace of an uncaught error.
 */
export function nameSources(
  map: SourceMap,
  names: readonly string[],
  { withSources = false }: { readonly withSources?: boolean } = {},
): SourceMap {
  const { sourcesContent, ...rest } = map;
  return { ...rest, sources: names, ...(withSources && sourcesContent && { sourcesContent }) };
}

/**
 * What a stack trace calls a module: a file by its URL here, as `deno run` does, wherever the program runs; one of a
 * package by the package.
 */
export function traceName(href: string): string {
  const npm = packageOf(href);
  return npm === undefined ? href : `npm:${npm.name}@${npm.version}/${npm.path}`;
}

/** What messages about a build call a module: its path in the project of the entry, if it is in there. */
export function shownName(href: string, { rootUrl }: Entry): string {
  return href.startsWith(`${rootUrl}/`) ? href.slice(rootUrl.length + 1) : traceName(href);
}
