/** The commands that look at runs: their arguments, and which events are shown. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { scanArguments } from "../../src/cli/arguments.ts";
import { DEPLOY } from "../../src/cli/deploy_table.ts";
import { isRunsCommand, readRunsCommand, type RunsCommand } from "../../src/cli/runs_arguments.ts";
import { eventFilter } from "../../src/cli/logs_command.ts";
import { UsageError } from "../../src/core/usage_error.ts";
import { EXAMPLE, TIME } from "../terminal/events.ts";

function parse(line: string): RunsCommand {
  return readRunsCommand(scanArguments(line.split(" "), DEPLOY));
}

const options = { bridge: undefined, format: undefined, secretFile: undefined, plain: false };
const bridge = { host: "10.0.0.1", port: 8888 };

Deno.test("readRunsCommand() reads the commands that look at runs", () => {
  const logs = {
    command: "logs",
    run: "",
    follow: false,
    process: undefined,
    since: undefined,
    isTrace: false,
    raw: false,
    options,
  } as const;
  const table: [line: string, expected: RunsCommand][] = [
    ["ps", { command: "ps", run: "", options }],
    ["ps bafo", { command: "ps", run: "bafo", options }],
    ["ps 10.0.0.1:8888 --format json", {
      ...{ command: "ps", run: "" },
      options: { ...options, bridge, format: "json" },
    }],
    ["logs", logs],
    ["logs --format chrome-trace", { ...logs, isTrace: true }],
    ["logs -f --raw bafo", { ...logs, follow: true, raw: true, run: "bafo" }],
    ["logs 10.0.0.1:8888 bafo --process worker --since 10m", {
      ...{ ...logs, run: "bafo", process: "worker", since: { agoMs: 600_000 } },
      options: { ...options, bridge },
    }],
    ["attach", { command: "attach", run: "", stdin: true, raw: false, options }],
    ["attach -n --raw x", { command: "attach", run: "x", stdin: false, raw: true, options }],
    ["logs --since 2026-01-31T12:00Z", { ...logs, since: { atMs: Date.UTC(2026, 0, 31, 12) } }],
    ["why main.ts", { command: "why", run: "main.ts", options }],
    ["kill bafo", { command: "kill", run: "bafo", signal: "SIGTERM", graceMs: undefined, options }],
    ["kill --signal int --grace 0 x", {
      ...{ command: "kill", run: "x", signal: "SIGINT", graceMs: 0, options },
    }],
  ];
  for (const [line, expected] of table) assertEquals(parse(line), expected, line);
  assertEquals(isRunsCommand(scanArguments(["main.ts"], DEPLOY)), false);
});

Deno.test("readRunsCommand() reports what is wrong and what was expected", () => {
  const table: [line: string, message: string][] = [
    ["logs a b", 'unexpected argument "b"; expected one run: its id, the start of it, or its name'],
    ["kill --signal XYZ", '--signal is "XYZ"; expected a signal, as in SIGTERM'],
    [
      "logs --since yesterday",
      '--since is "yesterday"; expected a duration or a time, as in 10m or 2026-01-31T12:00',
    ],
    ["why -f", "-f is an option of deploy logs; expected --format, --secret-file or --plain"],
  ];
  for (const [line, message] of table) {
    assertEquals(assertThrows(() => parse(line), UsageError).message, message);
  }
});

Deno.test("eventFilter() lets the events of some processes, and recent ones, through", () => {
  const shown = (
    process?: string,
    since?: RunsCommand & { command: "logs" } extends never ? never
      : { atMs: number } | { agoMs: number },
    isTrace = false,
  ) =>
    EXAMPLE.filter(eventFilter({ process, since, isTrace }, TIME + 1_000))
      .map(({ event }) => event);
  assertEquals(shown(), EXAMPLE.map(({ event }) => event));
  const ofWorker = shown("worker");
  assertEquals(shown("8a3be21"), ofWorker);
  assertEquals(ofWorker[0], "spawn");
  assertEquals(ofWorker.length < EXAMPLE.length && ofWorker.length > 2, true);
  assertEquals(shown("nobody"), []);
  assertEquals(shown(undefined, { agoMs: 500 }).filter((event) => event === "output"), []);
  assertEquals(shown(undefined, { atMs: TIME }), shown());
  const lives = shown(undefined, { atMs: TIME + 1 }, true).filter((event) => "eof" !== event);
  assertEquals(lives, shown().filter((event) => event === "spawn" || event === "exit"));
  assertEquals(shown("nobody", { agoMs: 500 }, true), []);
});
