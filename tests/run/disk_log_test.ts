/** The log on disk: what it returns, also after a crash, and what it drops when it is full. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import { DiskLog, type DiskLogOptions } from "../../src/run/disk_log.ts";
import { EventRecord } from "../../src/run/event_record.ts";
import { recordBytes } from "../../src/run/log_record.ts";
import { segmentName } from "../../src/run/log_segment.ts";
import type { LogPart } from "../../src/run/run_log.ts";
import { Run } from "../../src/run/run.ts";
import { eventBody } from "../../src/wire/event_messages.ts";
import { FIRST, randomFrom, randomRun, spawned, wrote } from "../terminal/events.ts";

const ALL = Number.MAX_SAFE_INTEGER;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-log-" });
  try {
    await use(`${folder}/log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Everything that a log returns from `offset` on, part by part. */
async function readAll(log: DiskLog, offset: number, maxBytes = ALL): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for (let at = offset; at < log.end;) {
    const { from, records } = await log.read(at, maxBytes);
    assertEquals(from, at);
    assert(records.length > 0);
    events.push(...records.map(({ event }) => event));
    at += records.length;
  }
  return events;
}

/** Writes these events into a log, and closes it. */
async function write(options: DiskLogOptions, events: readonly RunEvent[]): Promise<void> {
  const log = await DiskLog.open(options);
  for (const event of events) await log.append(EventRecord.of(event));
  await log.close();
}

async function filesOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.toSorted();
}

Deno.test("DiskLog returns the appended events, from every offset, after reopening", async () => {
  await withFolder(async (folder) => {
    const events = randomRun(randomFrom(5), 10);
    const options = { folder, segmentBytes: 1_000, cacheBytes: 0 };
    await write(options, events.slice(0, 20));
    await write(options, events.slice(20));
    const log = await DiskLog.open(options);
    assertEquals([log.start, log.end], [0, events.length]);
    for (let offset = 0; offset <= events.length; offset++) {
      assertEquals(await readAll(log, offset, offset % 3 === 0 ? 300 : ALL), events.slice(offset));
    }
    assert((await filesOf(folder)).length > 3, "it has several files");
    await log.close();
  });
});

Deno.test("DiskLog writes what is appended in one turn of the loop in at most two writes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-log-" });
  const { write } = Deno.FsFile.prototype;
  let writes = 0;
  Deno.FsFile.prototype.write = function (bytes) {
    writes++;
    return write.call(this, bytes);
  };
  try {
    const log = await DiskLog.open({ folder });
    for (let count = 0; count < 1_000; count++) {
      void log.append(EventRecord.of({ event: "said", text: String(count), time: 0 }));
    }
    await log.close();
    assertEquals(log.end, 1_000);
    assert(writes === 1 || writes === 2, `${writes} writes`);
  } finally {
    Deno.FsFile.prototype.write = write;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("DiskLog finds all events up to the last whole one, wherever a crash cut it off", async () => {
  await withFolder(async (folder) => {
    const events = [spawned(null, FIRST), wrote(FIRST, 1, "one"), wrote(FIRST, 2, "two\n")];
    await write({ folder }, events);
    const [name] = await filesOf(folder);
    const path = `${folder}/${name}`;
    const whole = await Deno.readFile(path);
    const ends = [0];
    for (const event of events) ends.push(ends.at(-1)! + recordBytes(eventBody(event).length));
    assertEquals(ends.at(-1), whole.length);
    const next = wrote(FIRST, 1, "after the crash");
    for (let cut = 0; cut <= whole.length; cut++) {
      await Deno.writeFile(path, whole.subarray(0, cut));
      const left = ends.filter((end) => end <= cut).length - 1;
      const log = await DiskLog.open({ folder });
      assertEquals(await readAll(log, 0), events.slice(0, left), `cut at byte ${cut}`);
      log.append(EventRecord.of(next));
      await log.close();
      const again = await DiskLog.open({ folder });
      assertEquals(await readAll(again, 0), [...events.slice(0, left), next], `cut at ${cut}`);
      await again.close();
    }
  });
});

Deno.test("DiskLog rejects a record in which any byte was changed", async () => {
  await withFolder(async (folder) => {
    const events = [spawned(null, FIRST), wrote(FIRST, 1, "one")];
    await write({ folder }, events);
    const path = `${folder}/${(await filesOf(folder))[0]}`;
    const whole = await Deno.readFile(path);
    const first = recordBytes(eventBody(events[0]!).length);
    for (let at = first; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at]! ^= 0x40;
      await Deno.writeFile(path, damaged);
      const log = await DiskLog.open({ folder });
      assertEquals(await readAll(log, 0), events.slice(0, 1), `byte ${at}`);
      await log.close();
    }
    // A disk returns zeros where nothing was written.
    await Deno.writeFile(path, new Uint8Array(whole.length + 4096));
    const log = await DiskLog.open({ folder });
    assertEquals(log.end, 0);
    await log.close();
  });
});

Deno.test("DiskLog drops its oldest file over the limit, if its events may be dropped", async () => {
  await withFolder(async (folder) => {
    const options = { folder, segmentBytes: 1_000, maxBytes: 5_000, cacheBytes: 0 };
    const log = await DiskLog.open(options);
    const event = wrote(FIRST, 1, "x".repeat(200));
    for (let count = 0; count < 100; count++) await log.append(EventRecord.of(event));
    await log.close();
    assertEquals(log.start, 0, "nothing may go yet");
    log.release(100);
    for (let count = 0; count < 100; count++) await log.append(EventRecord.of(event));
    await log.close();
    assert(log.start >= 90 && log.start <= 100, `${log.start} is the oldest`);
    const { from, records } = await log.read(0, ALL);
    assertEquals([from, records.length > 0], [log.start, true]);
    const again = await DiskLog.open(options);
    assertEquals([again.start, again.end], [log.start, 200]);
    await again.close();
  });
});

Deno.test("a run with its log on disk is shown to viewers that are slow, or come late", async () => {
  await withFolder(async (folder) => {
    for (const seed of [1, 2, crypto.getRandomValues(new Uint32Array(1))[0]!]) {
      const log = await DiskLog.open({
        folder: `${folder}-${seed}`,
        segmentBytes: 500,
        cacheBytes: 500,
      });
      const run = new Run({ log, roomBytes: 1e6 });
      const events = randomRun(randomFrom(seed), 15);
      const seen: RunEvent[][] = [];
      const view = async (pauseMs: number): Promise<void> => {
        const all: RunEvent[] = [];
        seen.push(all);
        for await (const { records } of run.view()) {
          all.push(...records.map(({ event }) => event));
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      };
      const viewing = [view(0), view(3)];
      for (const event of events) await run.append(event);
      viewing.push(view(0));
      run.close();
      await Promise.all(viewing);
      for (const all of seen) assertEquals(all, events, `seed ${seed}`);
      await log.close();
    }
  });
});

Deno.test("a log that can no longer be written reports it once, and continues in memory", async () => {
  await withFolder(async (folder) => {
    const failures: string[] = [];
    const log = await DiskLog.open({
      folder,
      cacheBytes: 1_000,
      onFailure: ({ message }) => failures.push(message),
    });
    await Deno.remove(folder);
    let count = 0;
    for (let after = 0; after < 100; count++) {
      if (failures.length > 0) after++;
      await log.append(EventRecord.of(wrote(FIRST, 1, `${count}`)));
      log.release(count);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(failures.length, 1);
    assertStringIncludes(failures[0]!, `Cannot write the log ${folder}: NotFound`);
    const { records } = await log.read(0, ALL);
    assertEquals(records.at(-1)?.event, wrote(FIRST, 1, `${count - 1}`));
    assert(records.length < 10, "and is bounded");
    await log.close();
  });
});

/** The parts that a log returns, from its first event on, up to what it has now. */
async function partsOf(log: DiskLog): Promise<LogPart[]> {
  const parts: LogPart[] = [];
  for (let at = 0; at < log.end;) {
    const part = await log.read(at, ALL);
    assert(part.records.length > 0);
    parts.push(part);
    at = part.from + part.records.length;
  }
  return parts;
}

/** Appends numbered lines until some of those that could not be written are dropped; gives their number. */
async function appendBeyond(log: DiskLog, hasFailed: () => boolean): Promise<number> {
  let count = 0;
  for (let after = 0; after < 200; count++) {
    if (hasFailed()) after++;
    await log.append(EventRecord.of(wrote(FIRST, 1, `${count} ${"x".repeat(1_000)}`)));
    log.release(count);
    if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return count;
}

/** Checks that a log has some first events and the last ones, and says that those in between are gone. */
async function checkGap(log: DiskLog, count: number): Promise<void> {
  const parts = await partsOf(log);
  let next = 0;
  const gaps: number[] = [];
  for (const { from, records } of parts) {
    if (from > next) gaps.push(from - next);
    for (const [index, { event }] of records.entries()) {
      assert(event.event === "output");
      assertEquals(parseInt(new TextDecoder().decode(event.bytes)), from + index);
    }
    next = from + records.length;
  }
  assertEquals(parts[0]!.from, 0);
  assertEquals(next, count);
  assertEquals(gaps.length, 1, `gaps: ${gaps}`);
}

Deno.test("a log that can no longer be written is read up to there, and from what memory still has", async () => {
  await withFolder(async (folder) => {
    const failures: string[] = [];
    const onFailure = ({ message }: Error) => void failures.push(message);
    const options = { folder, cacheBytes: 5_000, segmentBytes: 20_000 };
    const log = await DiskLog.open({ ...options, onFailure });
    // No second file can be made.
    for (let first = 1; first < 100; first++) {
      await Deno.mkdir(`${folder}/${segmentName(first)}`);
    }
    const count = await appendBeyond(log, () => failures.length > 0);
    await checkGap(log, count);
    assertEquals(failures.length, 1);
    await log.close();
  });
});

Deno.test({
  name:
    "a log on a full disk says so once, goes on, and is whole up to there when it is opened again",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: async () => {
    await withFolder(async (folder) => {
      await Deno.mkdir(folder);
      const run = async (command: string, ...args: string[]): Promise<boolean> =>
        (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
      // Not every root may mount.
      if (!await run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder)) return;
      try {
        const failures: string[] = [];
        const onFailure = ({ message }: Error) => void failures.push(message);
        const log = await DiskLog.open({ folder: `${folder}/log`, cacheBytes: 5_000, onFailure });
        const count = await appendBeyond(log, () => failures.length > 0);
        await checkGap(log, count);
        assertEquals(failures.length, 1);
        assertStringIncludes(failures[0]!, "No space left on device");
        await log.close();
        const again = await DiskLog.open({ folder: `${folder}/log` });
        const events = await readAll(again, 0);
        assert(events.length > 100 && events.length < count, `${events.length} of ${count}`);
        await again.close();
      } finally {
        await run("umount", "-l", folder);
      }
    });
  },
});
