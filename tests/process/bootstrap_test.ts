/** The variable that a node sets for a process, and invalid values of it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { BOOTSTRAP_VARIABLE, parseBootstrap, takeBootstrap } from "../../src/process/bootstrap.ts";

Deno.test("parseBootstrap() reads the addresses and the token", () => {
  assertEquals(parseBootstrap('{"control":"127.0.0.1:4000","token":"ab","host":"10.0.0.1"}'), {
    control: { hostname: "127.0.0.1", port: 4000 },
    token: "ab",
    host: "10.0.0.1",
  });
  assertEquals(parseBootstrap('{"control":"/tmp/a/node","token":"ab","socket":"/tmp/a/b"}'), {
    control: { path: "/tmp/a/node" },
    token: "ab",
    socket: "/tmp/a/b",
  });
  assertEquals(parseBootstrap('{"control":"[::1]:1","token":"ab","host":"::1"}').control, {
    hostname: "::1",
    port: 1,
  });
  const text = '{"control":"127.0.0.1:4000","token":"ab","host":"10.0.0.1","ports":[400,500]}';
  assertEquals(parseBootstrap(text).ports, [400, 500]);
});

Deno.test("parseBootstrap() throws SyntaxError for everything else", () => {
  const table = [
    "",
    "1",
    "null",
    "[]",
    "{",
    '{"control":"127.0.0.1:4000","token":"ab"}',
    '{"control":"127.0.0.1","token":"ab","host":"h"}',
    '{"control":"127.0.0.1:0","token":"ab","host":"h"}',
    '{"control":"127.0.0.1:65536","token":"ab","host":"h"}',
    '{"control":"::1:80","token":"ab","host":"h"}',
    '{"control":"h:80","token":1,"host":"h"}',
    '{"control":"h:80","token":"ab","host":"h","ports":[1]}',
    '{"control":"h:80","token":"ab","host":"h","ports":["1",2]}',
    '{"control":"h:80","token":"ab","host":"h","ports":null}',
    '{"control":"h:80","token":"ab","host":"h","socket":1}',
    '{"control":"a/b","token":"ab","host":"h"}',
  ];
  for (const text of table) {
    assertThrows(() => parseBootstrap(text), SyntaxError, BOOTSTRAP_VARIABLE, text);
  }
});

Deno.test("takeBootstrap() takes the variable out of the environment", () => {
  assertEquals(takeBootstrap(), undefined);
  Deno.env.set(BOOTSTRAP_VARIABLE, '{"control":"127.0.0.1:4000","token":"ab","host":"h"}');
  assertEquals(takeBootstrap()?.token, "ab");
  assertEquals(Deno.env.has(BOOTSTRAP_VARIABLE), false);
  assertEquals(takeBootstrap(), undefined);
});

Deno.test({
  name: "takeBootstrap() gives undefined where it may not look",
  permissions: "none",
  fn() {
    assertEquals(takeBootstrap(), undefined);
  },
});
