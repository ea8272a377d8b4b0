// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { forwardInput, type InputSource, isBackgroundStat } from "../../src/terminal/input.ts";

class ScriptedInput implements InputSource {
  reads = 0;
  constructor(readonly chunks: (string | Error)[], readonly terminal = false) {}

  read(buffer: Uint8Array): Promise<number | null> {
    this.reads++;
    const chunk = this.chunks.shift();
    if (chunk instanceof Error) return Promise.reject(chunk);
    if (chunk === undefined) return Promise.resolve(null);
    return Promise.resolve(new TextEncoder().encodeInto(chunk, buffer).written);
  }

  isTerminal(): boolean {
    return this.terminal;
  }
}

/** Takes `capacity` chunks, and fails from then on. */
function target(
  capacity = Infinity,
): { stream: WritableStream<Uint8Array<ArrayBuffer>>; taken: string[] } {
  const taken: string[] = [];
  const stream = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (bytes) => {
      if (taken.length >= capacity) throw new Error("broken pipe");
      taken.push(new TextDecoder().decode(bytes));
    },
    close: () => void taken.push("(end)"),
  });
  return { stream, taken };
}

Deno.test("forwardInput() copies all, and the end", async () => {
  const { stream, taken } = target();
  await forwardInput(new ScriptedInput(["one", "two", "three"]), stream);
  assertEquals(taken, ["one", "two", "three", "(end)"]);
});

Deno.test("forwardInput() treats an unreadable stdin as empty", async () => {
  const { stream, taken } = target();
  await forwardInput(new ScriptedInput(["one", new Deno.errors.BadResource("closed")]), stream);
  assertEquals(taken, ["one", "(end)"]);
});

Deno.test("forwardInput() stops reading when the target fails", async () => {
  const { stream, taken } = target(1);
  const source = new ScriptedInput(["one", "two", "three", "four"]);
  await forwardInput(source, stream);
  assertEquals(taken, ["one"]);
  assertEquals(source.reads, 2);
});

Deno.test("forwardInput() reads from a terminal only in the foreground", async () => {
  for (const terminal of [true, false]) {
    const { stream, taken } = target();
    const source = new ScriptedInput(["one"], terminal);
    const answers = [true, false, false];
    let asked = 0;
    const isBackground = () => {
      asked++;
      assertEquals(taken.length, asked < 3 ? 0 : 1);
      return Promise.resolve(answers.shift() ?? false);
    };
    await forwardInput(source, stream, { isBackground });
    assertEquals(asked, terminal ? 3 : 0);
    assertEquals(taken, ["one", "(end)"]);
  }
});

Deno.test("forwardInput() reads nothing before it is wanted", async () => {
  const { stream, taken } = target();
  const source = new ScriptedInput(["one", "two"]);
  const asks: (() => void)[] = [];
  const wanted = () => new Promise<void>((resolve) => asks.push(resolve));
  const forwarded = forwardInput(source, stream, { wanted });
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  for (const reads of [1, 2, 3]) {
    await turn();
    assertEquals(source.reads, reads - 1);
    asks.shift()!();
    await turn();
    assertEquals(source.reads, reads);
  }
  await forwarded;
  assertEquals(taken, ["one", "two", "(end)"]);
});

Deno.test("isBackgroundStat() finds the process group and the terminal's", () => {
  assertEquals(isBackgroundStat("12 (deno) S 1 12 10 34816 12 4194304 1"), false);
  assertEquals(isBackgroundStat("12 (a) b (c) S 1 12 10 34816 99 4194304 1"), true);
});
