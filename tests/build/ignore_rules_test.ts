/** Patterns in the syntax of `.gitignore`. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { isIgnored, parseIgnoreFile, parseIgnorePattern } from "../../src/build/ignore_rules.ts";

/** Patterns, with paths that they match and paths that they do not. A path that ends with `/` is a folder. */
const PATTERNS: [pattern: string, matched: string[], others: string[]][] = [
  ["*.log", ["a.log", "b/c.log", ".log", "d.log/"], ["a.logs", "log"]],
  ["build", ["build", "build/", "a/build/"], ["builds", "build/a"]],
  ["build/", ["build/", "a/build/"], ["build"]],
  ["/build", ["build", "build/"], ["a/build"]],
  ["a/b", ["a/b"], ["x/a/b", "a/b/c"]],
  ["a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]],
  ["**/c", ["c", "a/c", "a/b/c"], ["ac"]],
  ["a/**", ["a/b", "a/b/c"], ["a", "a/"]],
  ["a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["ac", "c"]],
  ["**", ["a", "a/b"], []],
  ["?.txt", ["a.txt", "ä.txt", "\ufffd.txt"], ["ab.txt", ".txt"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "x"]],
  ["[!a-c]x", ["dx"], ["ax", "x"]],
  ["[]x]", ["]", "x"], ["a"]],
  ["[a\\]]", ["a", "]"], ["\\"]],
  ["a.b", ["a.b"], ["axb"]],
  ["(a|b)+$", ["(a|b)+$"], ["a", "ab"]],
  ["\\*", ["*"], ["a"]],
  ["\\#a", ["#a"], []],
  ["\\!a", ["!a"], ["a"]],
  ["a\\ ", ["a "], ["a"]],
  ["a  ", ["a"], ["a  "]],
  [" a", [" a"], ["a"]],
  ["# a", [], ["a", "# a"]],
  ["", [], ["a"]],
  ["/", [], ["a", "a/"]],
  ["[z-a]", [], ["z", "a"]],
];

for (const [pattern, matched, others] of PATTERNS) {
  Deno.test(`the pattern ${JSON.stringify(pattern)} matches what it does for git`, () => {
    const rules = [parseIgnorePattern(pattern, "/p")].filter((rule) => rule !== undefined);
    for (const path of [...matched, ...others]) {
      const subject = { path: `/p/${path.replace(/\/$/, "")}`, isFolder: path.endsWith("/") };
      assertEquals(isIgnored(rules, subject), matched.includes(path), path);
    }
  });
}

Deno.test("the last pattern that matches decides, and applies below its own folder", () => {
  const rules = [
    ...parseIgnoreFile("# logs\n*.log\r\n!kept.log\n\n/top\n", "/p"),
    ...parseIgnoreFile("kept.log\n/top2\n", "/p/a"),
  ];
  const ignored = (path: string) => isIgnored(rules, { path, isFolder: false });
  assertEquals(
    ["/p/x.log", "/p/kept.log", "/p/a/kept.log", "/p/top", "/p/a/top", "/p/a/top2", "/p/top2"]
      .map(ignored),
    [true, false, true, true, false, true, false],
  );
});
