/** The runs that a bridge knows, also those of an earlier bridge. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import { createLogger } from "../../src/core/logger.ts";
import { RunArchive } from "../../src/bridge/run_archive.ts";
import { endedViewer } from "../../src/bridge/viewing.ts";
import { recordBytes } from "../../src/run/log_record.ts";
import { EventRecord } from "../../src/run/event_record.ts";
import { isLifeEvent } from "../../src/run/process_table.ts";
import type { RunLog } from "../../src/run/run_log.ts";
import { EXAMPLE } from "../terminal/events.ts";

const HOUR_MS = 3_600_000;
const NEW = { name: "main.ts", by: "me@here", from: "127.0.0.1:5" };

class Harness implements AsyncDisposable {
  readonly folder: string;
  readonly lines: string[] = [];
  nowMs = Date.UTC(2026, 0, 31);

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Harness> {
    return new Harness(await Deno.makeTempDir({ prefix: "deploy-archive-" }));
  }

  open(folder = `${this.folder}/runs`): Promise<RunArchive> {
    const logger = createLogger("warn", (line) => this.lines.push(line));
    return RunArchive.open({ folder, logger, now: () => this.nowMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function eventsOf(log: RunLog): Promise<unknown[]> {
  const { records } = await log.read(0, Infinity);
  await log.close();
  return records.map(({ event }) => event);
}

/** As a viewer gets them. */
async function allOf(log: RunLog): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const { from, records } of endedViewer(log)) {
    assertEquals(from, events.length);
    events.push(...records.map(({ event }) => event));
  }
  const last = events.length - 1;
  assertEquals((await log.read(last, 1)).records.length, 1);
  assertEquals(log.end, events.length);
  await log.close();
  return events;
}

Deno.test("a run is listed as it is, and with its log after the bridge was started again", async () => {
  await using harness = await Harness.make();
  const archive = await harness.open();
  const { id, log, processes, doings } = await archive.begin(NEW);
  archive.follow(id, () => ({ running: 2, spawned: 3 }));
  const running = {
    ...{ id, ...NEW, startedMs: harness.nowMs, endedMs: null, code: null },
    ...{ running: 2, spawned: 3 },
  };
  assertEquals(archive.list(), [running]);
  for (const event of EXAMPLE) await log.append(EventRecord.of(event));
  const lives = EXAMPLE.filter(isLifeEvent);
  for (const event of lives) await processes.append(EventRecord.of(event));
  const does = new Uint8Array([1, 2, 3]);
  doings.append(EventRecord.from(does));
  harness.nowMs += 5_000;
  await archive.end(id, 3);
  const ended = { ...running, running: 0, code: 3, endedMs: harness.nowMs };
  assertEquals(archive.list(), [ended]);
  const again = await harness.open();
  assertEquals(again.list(), [ended]);
  assertEquals(await eventsOf(await again.openProcesses(id)), lives);
  assertEquals(await eventsOf(await again.openLog(id)), [...EXAMPLE]);
  const kept = await again.openDoings(id);
  const { records } = await kept.read(0, 1_000);
  await kept.close();
  assertEquals(records.map(({ body }) => body), [does]);
  assertEquals(harness.lines, []);
});

Deno.test("a run of a bridge that was killed has ended, with the events up to then", async () => {
  await using harness = await Harness.make();
  const { id, log, processes } = await (await harness.open()).begin(NEW);
  await log.append(EventRecord.of(EXAMPLE[0]!));
  const lives = EXAMPLE.filter(isLifeEvent);
  for (const event of lives) await processes.append(EventRecord.of(event));
  // Everything is on the disk, as after kill -9 a moment later.
  await Promise.all([log.close(), processes.close()]);
  harness.nowMs += HOUR_MS;
  const again = await harness.open();
  const [run] = again.list();
  assertEquals([run?.id, run?.code, run?.endedMs], [id, 1, harness.nowMs]);
  const spawned = lives.filter(({ event }) => event === "spawn").length;
  assertEquals([run?.running, run?.spawned], [0, spawned]);
  const text = "the log ends here, and its last events may be missing: " +
    "the bridge was killed, or could not write them";
  const ends = { event: "said", text, time: harness.nowMs };
  assertEquals(await allOf(await again.openLog(id)), [EXAMPLE[0], ends]);
  assertEquals(await allOf(await (await harness.open()).openLog(id)), [EXAMPLE[0], ends]);
});

Deno.test("a log of which the end could not be written says so, also to the next bridge", async () => {
  await using harness = await Harness.make();
  const archive = await harness.open();
  const { id, log } = await archive.begin(NEW);
  for (const event of EXAMPLE) await log.append(EventRecord.of(event));
  await archive.end(id, 0);
  // As on a full disk: the last two are not there.
  const [name = ""] = (await Array.fromAsync(Deno.readDir(`${harness.folder}/runs/${id}`)))
    .map(({ name }) => name).filter((name) => name.endsWith(".events"));
  const path = `${harness.folder}/runs/${id}/${name}`;
  const bytes = EXAMPLE.slice(0, -2).reduce(
    (sum, event) => sum + recordBytes(EventRecord.of(event).body.length),
    0,
  );
  await Deno.truncate(path, bytes);
  const text = "the log ends here: 2 more events could not be written to the disk";
  const ends = { event: "said", text, time: harness.nowMs };
  for (const each of [archive, await harness.open()]) {
    const found = await allOf(await each.openLog(id));
    assertEquals(found, [...EXAMPLE.slice(0, -2), ends]);
  }
});

Deno.test("ended runs are forgotten after a day, except for the last 100", async () => {
  await using harness = await Harness.make();
  const archive = await harness.open();
  const ids: string[] = [];
  for (let count = 0; count < 103; count++) {
    const { id } = await archive.begin(NEW);
    ids.push(id);
    await archive.end(id, 0);
  }
  assertEquals(archive.list().length, 103);
  harness.nowMs += 25 * HOUR_MS;
  const running = await archive.begin(NEW);
  const { id } = await archive.begin(NEW);
  await archive.end(id, 0);
  assertEquals(archive.list().map(({ id }) => id), [...ids.slice(4), running.id, id]);
  const folders = await Array.fromAsync(Deno.readDir(`${harness.folder}/runs`));
  assertEquals(folders.length, 101);
  await archive.close();
});

Deno.test("a folder without a valid entry is removed, and other folders are left alone", async () => {
  await using harness = await Harness.make();
  const folder = `${harness.folder}/runs`;
  await Deno.mkdir(`${folder}/bafo-kine`, { recursive: true });
  await Deno.mkdir(`${folder}/bado-kine`);
  await Deno.writeTextFile(`${folder}/bado-kine/run.json`, `{"id":"bado-kine"`);
  await Deno.mkdir(`${folder}/mine`);
  const archive = await harness.open();
  assertEquals(archive.list(), []);
  assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["mine"]);
});

Deno.test("where nothing can be written, runs are known as long as the bridge runs", async () => {
  await using harness = await Harness.make();
  await Deno.writeTextFile(`${harness.folder}/file`, "");
  const archive = await harness.open(`${harness.folder}/file/runs`);
  const { id, log } = await archive.begin(NEW);
  await log.append(EventRecord.of(EXAMPLE[0]!));
  await archive.end(id, 0);
  assertEquals(archive.list().map(({ code }) => code), [0]);
  assertEquals(harness.lines.length, 3);
  for (const line of harness.lines) {
    assertEquals(/cannot (read|keep) the log/.test(line), true, line);
  }
});

Deno.test("a log that is opened while it is being closed is whole", async () => {
  await using harness = await Harness.make();
  const archive = await harness.open();
  const { id, log } = await archive.begin(NEW);
  const said: RunEvent = { event: "said", text: "x".repeat(64 * 1024), time: 0 };
  for (let count = 0; count < 100; count++) void log.append(EventRecord.of(said));
  const ending = archive.end(id, 0);
  assertEquals((await eventsOf(await archive.openLog(id))).length, 100);
  await ending;
  assertEquals((await eventsOf(await archive.openLog(id))).length, 100);
});

Deno.test("begin() gives the reason why a log cannot be kept on disk", async () => {
  await using harness = await Harness.make();
  const archive = await harness.open();
  await Deno.remove(`${harness.folder}/runs`);
  const { id, failure } = await archive.begin(NEW);
  const start = `Cannot write the log ${harness.folder}/runs/${id}: `;
  assertEquals(failure?.message.slice(0, start.length), start);
  assertEquals(harness.lines.length, 1);
});
