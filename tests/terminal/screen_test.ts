/** The screen: output to streams that are slow, take little, fail or lose their reader. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ByteTarget, Screen } from "../../src/terminal/screen.ts";
import type { Segment } from "../../src/terminal/segment.ts";
import { randomFrom, utf8 } from "./events.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A stream whose writes are completed by hand. */
class ScriptedTarget implements ByteTarget {
  readonly writes: string[] = [];
  #answer: PromiseWithResolvers<number> | undefined;

  write(bytes: Bytes): Promise<number> {
    assertEquals(this.#answer, undefined, "two writes at a time");
    this.writes.push(new TextDecoder().decode(bytes));
    this.#answer = Promise.withResolvers();
    return this.#answer.promise;
  }

  /** Completes a write with a number of bytes, or an error; resolves when that has been handled. */
  async answer(taken: number | Error): Promise<void> {
    const { resolve, reject } = this.#answer!;
    this.#answer = undefined;
    if (typeof taken === "number") resolve(taken);
    else reject(taken);
    await settle();
  }
}

/** Runs everything that waits only for microtasks and the event loop. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** `1:text` and `2:text`, as segments. */
function segments(...texts: string[]): Segment[] {
  return texts.map((text) => ({ fd: text[0] === "1" ? 1 : 2, bytes: utf8(text.slice(2)) }));
}

function scripted(): { screen: Screen; stdout: ScriptedTarget; stderr: ScriptedTarget } {
  const stdout = new ScriptedTarget();
  const stderr = new ScriptedTarget();
  return { screen: new Screen({ stdout, stderr }), stdout, stderr };
}

/** Whether a promise has resolved, at any time. */
function watch(promise: Promise<void>): () => boolean {
  let resolved = false;
  promise.then(() => resolved = true);
  return () => resolved;
}

Deno.test("write() resolves once both streams have taken everything", async () => {
  const { screen, stdout, stderr } = scripted();
  const written = watch(screen.write(segments("2:head", "1:abc")));
  assertEquals([stdout.writes, stderr.writes], [["abc"], ["head"]]);
  await settle();
  assertEquals(written(), false);
  await stdout.answer(3);
  assertEquals(written(), false);
  await stderr.answer(4);
  assertEquals(written(), true);
});

Deno.test("write() of nothing resolves at once", async () => {
  const { screen, stdout } = scripted();
  await screen.write([]);
  assertEquals(stdout.writes, []);
});

Deno.test("write() goes on after a short write", async () => {
  const { screen, stdout } = scripted();
  const written = watch(screen.write(segments("1:abcdef")));
  await stdout.answer(1);
  await stdout.answer(3);
  assertEquals(written(), false);
  await stdout.answer(2);
  assertEquals(written(), true);
  assertEquals(stdout.writes, ["abcdef", "bcdef", "ef"]);
});

Deno.test("write() keeps the order of overlapping calls, and batches what waits", async () => {
  const { screen, stdout } = scripted();
  const written = ["1:a", "1:bb", "1:cc"].map((text) => watch(screen.write(segments(text))));
  const told = (): boolean[] => written.map((is) => is());
  await stdout.answer(1);
  assertEquals([stdout.writes, told()], [["a", "bbcc"], [true, false, false]]);
  written.push(watch(screen.write(segments("1:d", "1:e"))));
  await stdout.answer(3);
  assertEquals([stdout.writes, told()], [["a", "bbcc", "c"], [true, false, false, false]]);
  await stdout.answer(1);
  assertEquals([stdout.writes, told()], [["a", "bbcc", "c", "de"], [true, true, true, false]]);
  await stdout.answer(2);
  assertEquals(told(), [true, true, true, true]);
});

Deno.test("write() to one stream does not wait for the other", async () => {
  const { screen, stdout, stderr } = scripted();
  const slow = watch(screen.write(segments("1:slow")));
  const fast = watch(screen.write(segments("2:fast")));
  await stderr.answer(4);
  assertEquals([slow(), fast()], [false, true]);
  await stdout.answer(4);
  assertEquals(slow(), true);
});

Deno.test("write() drops bytes for a stream without a reader, and reports that of stdout", async () => {
  const { screen, stdout, stderr } = scripted();
  const gone = watch(screen.stdoutGone);
  const written = watch(screen.write(segments("1:abc")));
  await stdout.answer(1);
  assertEquals(gone(), false);
  await stdout.answer(new Deno.errors.BrokenPipe("no reader"));
  assertEquals([gone(), written()], [true, true]);
  const later = watch(screen.write(segments("1:dropped", "2:kept")));
  await stderr.answer(4);
  assertEquals(later(), true);
  assertEquals([stdout.writes, stderr.writes], [["abc", "bc"], ["kept"]]);
});

Deno.test("write() reports nothing about stdout when stderr has no reader", async () => {
  const { screen, stdout, stderr } = scripted();
  const gone = watch(screen.stdoutGone);
  const written = watch(screen.write(segments("2:a", "1:b")));
  await stderr.answer(new Deno.errors.BrokenPipe("no reader"));
  await stdout.answer(1);
  assertEquals([gone(), written()], [false, true]);
});

Deno.test("write() retries when a stream would block", async () => {
  let blocked = 3;
  const taken: number[] = [];
  const stdout: ByteTarget = {
    write(bytes) {
      if (blocked-- > 0) return Promise.reject(new Deno.errors.WouldBlock("full"));
      taken.push(bytes.length);
      return Promise.resolve(bytes.length);
    },
  };
  await new Screen({ stdout }).write(segments("1:abc"));
  assertEquals(taken, [3]);
});

Deno.test("write() rejects all pending calls when a stream fails, and the next call tries again", async () => {
  const { screen, stdout } = scripted();
  const first = screen.write(segments("1:a"));
  const waiting = [screen.write(segments("1:b")), screen.write(segments("1:c"))];
  await stdout.answer(1);
  await first;
  const failed = waiting.map((call) => assertRejects(() => call, Error, "disk is full"));
  await stdout.answer(new Error("the disk is full"));
  await Promise.all(failed);
  const later = watch(screen.write(segments("1:d")));
  await stdout.answer(1);
  assertEquals(later(), true);
  assertEquals(stdout.writes, ["a", "bc", "d"]);
});

Deno.test("write() rejects when a stream takes nothing, instead of retrying forever", async () => {
  const { screen, stdout } = scripted();
  const failed = assertRejects(() => screen.write(segments("1:a")), Error, "takes no more bytes");
  await stdout.answer(0);
  await failed;
});

Deno.test("write() loses and reorders nothing, however little a stream takes at a time", async () => {
  for (const seed of [1, 2, 3, crypto.getRandomValues(new Uint32Array(1))[0]!]) {
    const random = randomFrom(seed);
    const given: Record<1 | 2, string> = { 1: "", 2: "" };
    const taken: Record<1 | 2, string> = { 1: "", 2: "" };
    const target = (fd: 1 | 2): ByteTarget => ({
      async write(bytes) {
        // The bytes are read only later, as the system does.
        for (let turns = Math.floor(random() * 3); turns > 0; turns--) await Promise.resolve();
        const count = 1 + Math.floor(random() * bytes.length);
        taken[fd] += new TextDecoder().decode(bytes.subarray(0, count));
        return count;
      },
    });
    const screen = new Screen({ stdout: target(1), stderr: target(2) });
    const calls: Promise<void>[] = [];
    for (let index = 0; index < 500; index++) {
      const fd = random() < 0.5 ? 1 : 2;
      given[fd] += `${index},`;
      calls.push(screen.write(segments(`${fd}:${index},`)));
      if (random() < 0.2) await calls[Math.floor(random() * calls.length)];
    }
    await Promise.all(calls);
    assertEquals(taken, given, `seed ${seed}`);
    assert(given[1].length > 100 && given[2].length > 100);
  }
});
