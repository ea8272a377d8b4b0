/** Edits of the functions that the bundler adds to a bundle, by which imports are as in Deno. */

import { closing, type Token } from "./js_tokens.ts";
import type { Edit } from "./mappings.ts";

/**
 * - The default export of a CommonJS module is its `module.exports`, as in Node, also if that has an
 *   `__esModule`; to the bundler this depends on what imports it.
 * - A namespace (`import * as x`) says that it is a module, and has no prototype.
 */
export function helperEdits(tokens: readonly Token[]): Edit[] {
  const edits: Edit[] = [];
  for (const [index, { text }] of tokens.entries()) {
    const next = tokens[index + 1]?.text;
    if (text === "__toESM" && next === "(") {
      const end = closing(tokens, index + 1);
      const { start } = tokens[end]!;
      if (tokens[end - 2]?.text !== ",") edits.push({ start, end: start, text: ", 1" });
    }
    if (text === "__export" && next === "=") {
      const body = tokens.findIndex((token, at) => at > index && token.text === "{");
      const at = tokens[body]!.end;
      edits.push({ start: at, end: at, text: NAMESPACE });
    }
  }
  return edits;
}

const NAMESPACE = " Object.setPrototypeOf(target, null); " +
  'Object.defineProperty(target, Symbol.toStringTag, { value: "Module" });';
