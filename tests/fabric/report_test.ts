/** The lines of a fabric, for people and as data. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { createReporter, type Reporter, type ReportFormat } from "../../src/fabric/report.ts";
import { makePid } from "../../src/core/pid.ts";

const TIME = "2026-01-31T12:00:00.123Z";
/** Other than the time of the report: an event has its own. */
const LATER = "2026-01-31T12:00:01.000Z";
const PID = makePid("3".repeat(32), "10.0.0.2", 9);

function collect(
  format: ReportFormat,
  level?: string,
): { reporter: Reporter; out: string[]; errors: string[] } {
  const [out, errors]: [string[], string[]] = [[], []];
  const reporter = createReporter(format, level, {
    out: (line) => out.push(line),
    error: (line) => errors.push(line),
    now: () => new Date(TIME),
  });
  return { reporter, out, errors };
}

function reportAll({ logger, ready, process }: Reporter): void {
  logger.debug("a detail");
  logger.warn("a node is gone:\nforged");
  ready("node", "10.0.0.2:9999");
  const common = { pid: PID, time: Date.parse(LATER) };
  process("10.0.0.2:9999", "r1", { ...common, event: "spawn", parent: null, name: "a", node: "n" });
  process("10.0.0.2:9999", "r1", { ...common, event: "eof", fd: 1 });
  process("10.0.0.2:9999", "r1", { ...common, event: "exit", status: { code: 3 } });
}

Deno.test("a log line begins with the time and the level; ready lines stand alone", () => {
  const { reporter, out, errors } = collect("human");
  reportAll(reporter);
  assertEquals(out, ["ready node 10.0.0.2:9999\n"]);
  assertEquals(errors, [
    `${TIME} warn a node is gone: | forged\n`,
    `${LATER} info process 3333333 of run r1 started on 10.0.0.2:9999\n`,
    `${LATER} info process 3333333 of run r1 ended: 3\n`,
  ]);
});

Deno.test("as data, every line is an object with the time, ready lines too", () => {
  const { reporter, out, errors } = collect("json", "debug");
  reportAll(reporter);
  const objects = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));
  assertEquals(objects(out), [
    { event: "ready", time: TIME, part: "node", address: "10.0.0.2:9999" },
  ]);
  assertEquals(objects(errors).slice(0, 2), [
    { event: "log", time: TIME, level: "debug", message: "a detail" },
    { event: "log", time: TIME, level: "warn", message: "a node is gone:\nforged" },
  ]);
  const common = { pid: PID, time: LATER, node: "10.0.0.2:9999", run: "r1" };
  assertEquals(objects(errors).slice(2), [
    { ...common, event: "spawn", parent: null, name: "a" },
    { ...common, event: "exit", status: { code: 3 } },
  ]);
});
