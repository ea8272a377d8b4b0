/** Keys that are taken from the stdin of a program. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { KeyInput, type KeySource } from "../../src/terminal/key_input.ts";

/** A terminal at which the test types. */
class Typed implements KeySource {
  readonly modes: boolean[] = [];
  reads = 0;
  #type = Promise.withResolvers<string | null>();

  isTerminal(): boolean {
    return true;
  }

  setRaw(mode: boolean): void {
    this.modes.push(mode);
  }

  type(text: string | null): void {
    this.#type.resolve(text);
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    this.reads++;
    const text = await this.#type.promise;
    this.#type = Promise.withResolvers();
    return text === null ? null : new TextEncoder().encodeInto(text, buffer).written;
  }
}

async function read(input: KeyInput, size = 100): Promise<string | null> {
  const buffer = new Uint8Array(size);
  const count = await input.read(buffer);
  return count === null ? null : new TextDecoder().decode(buffer.subarray(0, count));
}

Deno.test("KeyInput reads what is typed, in parts of any size, to its end", async () => {
  const typed = new Typed();
  const input = new KeyInput(typed);
  typed.type("abcde");
  assertEquals([await read(input, 2), await read(input, 2), await read(input)], ["ab", "cd", "e"]);
  typed.type(null);
  assertEquals([await read(input), await read(input), await input.key(1)], [null, null, undefined]);
});

Deno.test("a key is taken from a read that was waiting, which goes on with what comes after", async () => {
  const typed = new Typed();
  const input = new KeyInput(typed);
  const reading = read(input);
  const key = input.key(1e6);
  typed.type("dxy");
  assertEquals([await key, await reading], ["d", "xy"]);
  assertEquals([typed.modes, typed.reads], [[true, false], 1]);
});

Deno.test("what is typed too late for a key is for the program", async () => {
  const typed = new Typed();
  const input = new KeyInput(typed);
  assertEquals(await input.key(1), undefined);
  typed.type("late");
  assertEquals([await read(input), typed.modes], ["late", [true, false]]);
});
