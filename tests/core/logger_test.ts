// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { createLogger, parseLogLevel } from "../../src/core/logger.ts";

Deno.test("createLogger() writes messages of its level and above, one line each", () => {
  const table = [["error", 1], ["warn", 2], ["info", 3], ["debug", 4]] as const;
  for (const [level, count] of table) {
    const lines: string[] = [];
    const logger = createLogger(level, (line) => lines.push(line));
    logger.error("no\nsuch\r\nfile");
    logger.warn("b");
    logger.info("c");
    logger.debug("d");
    const all = ["error: no | such | file", "warn: b", "info: c", "debug: d"];
    assertEquals(lines, all.slice(0, count).map((line) => `deploy: ${line}\n`));
  }
});

Deno.test("parseLogLevel() reads DEPLOY_LOG, and its error lists the levels", () => {
  assertEquals([undefined, "", "error", "debug"].map(parseLogLevel), [
    "warn",
    "warn",
    "error",
    "debug",
  ]);
  assertThrows(() => parseLogLevel("loud"), SyntaxError, "write error, warn, info or debug");
});
