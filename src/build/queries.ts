/**
 * Imports with a query or a fragment, such as `./a.ts?x=1`. In Deno each makes a module of its own; the bundler leaves it out,
 * so a bundle can have one of them, and has it with its query.
 */

/** A module of a bundle. */
export interface QuerySource {
  /** What people call it. */
  readonly name: string;
  /** Its URL here. */
  readonly href: string;
  readonly text: string;
}

/** The queries of modules. */
export interface Queries {
  /** By the URL of the module, without the query; those that have one. */
  readonly of: ReadonlyMap<string, string>;
  /** One line about a module that is imported with several queries, or with one and without. */
  readonly problem?: string;
}

const SPECIFIER = /\b(?:from|import)\s*\(?\s*(["'])((?:\.{0,2}\/|file:)[^"'\n]+)\1/g;

/** Finds the queries by which the modules of a bundle import each other. Pure. */
export function findQueries(sources: readonly QuerySource[]): Queries {
  const of = new Map<string, string>();
  if (sources.every(({ text }) => !/\.[cm]?[jt]sx?\?[^"'\n]*["']/.test(text))) return { of };
  const modules = new Set(sources.map(({ href }) => href));
  const found = new Map<string, { query: string; specifier: string; from: string }>();
  let problem: string | undefined;
  for (const { name, href, text } of sources) {
    for (const { 2: specifier, index } of text.matchAll(SPECIFIER)) {
      const url = URL.canParse(specifier!, href) ? new URL(specifier!, href) : undefined;
      const query = url === undefined ? "" : url.search + url.hash;
      const target = url && `${url.protocol}//${url.pathname}`;
      if (target === undefined || !modules.has(target)) continue;
      const from = `${name}:${text.slice(0, index).split("\n").length}`;
      const other = found.get(target);
      if (other !== undefined && other.query !== query) {
        problem ??=
          `${from}: ${specifier} and ${other.specifier} (${other.from}) are two modules, of which ` +
          "a bundle can have one; give one a file of its own, or use --release";
      }
      found.set(target, { query, specifier: specifier!, from });
      if (query !== "") of.set(target, query);
    }
  }
  return problem === undefined ? { of } : { of, problem };
}
