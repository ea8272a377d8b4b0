// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { denialLine } from "../../src/process/denials.ts";

const LIMITS = { net: "node 10.0.0.1:9999 limits it", env: "the spawn() limits it" };

const denied = (what: string): Error =>
  new Deno.errors.NotCapable(`Requires ${what}, run again with the --allow-net flag`);

Deno.test("the line about a denial names the permission, what it was for, and who limits it", () => {
  const net = 'deploy: net access to "e.com:80" is denied here: node 10.0.0.1:9999 limits it\n';
  const table: [unknown, string | undefined][] = [
    [denied('net access to "e.com:80"'), net],
    [new Error("it failed", { cause: denied('net access to "e.com:80"') }), net],
    [denied("env access"), "deploy: env access is denied here: the spawn() limits it\n"],
    [denied('read access to "/x"'), undefined],
    [new Deno.errors.NotCapable("something else"), undefined],
    [new Error("other"), undefined],
    ["no error", undefined],
  ];
  for (const [error, line] of table) assertEquals(denialLine(error, LIMITS), line);
  const circle = new Error("circle");
  circle.cause = circle;
  assertEquals(denialLine(circle, LIMITS), undefined);
});
