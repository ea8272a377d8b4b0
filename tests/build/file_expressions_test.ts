/** The names of files as bundles write them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { stringAt } from "../../src/build/file_expressions.ts";
import { readTokens } from "../../src/build/js_tokens.ts";
import { sourceUrl } from "../../src/build/module_place.ts";

Deno.test("stringAt() reads strings with the escapes of bundlers", () => {
  const table: [code: string, value: string | undefined][] = [
    [`"./a.txt"`, "./a.txt"],
    [`"./\\xE9.txt"`, "./é.txt"],
    [`"./w\\xf6rk \\u20AC.ts"`, "./wörk €.ts"],
    [`"\\u{1F600}.txt"`, "😀.txt"],
    [`'it\\'s'`, "it's"],
    ["`./b.txt`", "./b.txt"],
    [`"a\\\\x41"`, "a\\x41"],
    [`"\\0"`, undefined],
    ["name", undefined],
  ];
  for (const [code, value] of table) assertEquals(stringAt(readTokens(code), 0), value, code);
});

Deno.test("sourceUrl() takes the names of a source map, which are URLs with spaces", () => {
  const entry = { folder: "/pro jéct" } as Parameters<typeof sourceUrl>[1];
  const table: [source: string, url: string][] = [
    ["main.ts", "file:///pro%20j%C3%A9ct/main.ts"],
    ["sub dir/m%C3%B6d.ts", "file:///pro%20j%C3%A9ct/sub%20dir/m%C3%B6d.ts"],
    ["a%23b%3Fc%2520.ts", "file:///pro%20j%C3%A9ct/a%23b%3Fc%2520.ts"],
    ["../lib/x.ts", "file:///lib/x.ts"],
  ];
  for (const [source, url] of table) assertEquals(sourceUrl(source, entry), url);
});
