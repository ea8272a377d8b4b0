/** Who feeds the first process of a run, and what the others are told. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { RunStdin, type StdinGiver } from "../../src/bridge/run_stdin.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { STDIN_WINDOW_BYTES, type StdinMessage } from "../../src/wire/run_messages.ts";

/** A giver that records what it is told: the bytes taken, and `some` or `all`. */
class Giver implements StdinGiver {
  readonly told: (number | "some" | "all")[] = [];

  answerStdin(answer: Parameters<StdinGiver["answerStdin"]>[0]): void {
    this.told.push(answer.type === "stdin-taken" ? answer.bytes : answer.always ? "all" : "some");
  }
}

function makeStdin() {
  /** What the first process is given: sizes, and `end`. */
  const passed: (number | "end")[] = [];
  let awaited = 0;
  const stdin = new RunStdin({
    pass: (message) => passed.push(message.type === "stdin" ? message.bytes.length : "end"),
    awaited: () => awaited++,
  });
  return { stdin, passed, awaited: () => awaited };
}

const bytes = (count: number): StdinMessage => ({ type: "stdin", bytes: new Uint8Array(count) });
const WANTED = { type: "stdin-wanted", always: false } as const;
const ALL_WANTED = { type: "stdin-wanted", always: true } as const;
const taken = (count: number) => ({ type: "stdin-taken", bytes: count }) as const;

Deno.test("RunStdin asks whoever came first, and nobody else may give", () => {
  const { stdin, passed } = makeStdin();
  const [one, two] = [new Giver(), new Giver()];
  stdin.add(one);
  stdin.add(two);
  stdin.answer(WANTED);
  stdin.give(one, bytes(3));
  assertThrows(() => stdin.give(two, bytes(1)), ProtocolError, "not asked for");
  stdin.answer(taken(3));
  assertEquals([one.told, two.told, passed], [["some", 3], [], [3]]);
});

Deno.test("RunStdin goes on with the next one, once what the one before gave is taken", () => {
  const { stdin, passed } = makeStdin();
  const [one, two] = [new Giver(), new Giver()];
  stdin.add(one);
  stdin.add(two);
  stdin.answer(ALL_WANTED);
  stdin.give(one, bytes(5));
  stdin.remove(one);
  stdin.remove(one);
  assertEquals(two.told, []);
  stdin.answer(taken(4));
  assertEquals(two.told, []);
  stdin.answer(taken(1));
  assertEquals(two.told, ["all"]);
  stdin.give(two, bytes(2));
  stdin.answer(taken(2));
  stdin.give(two, { type: "stdin-end" });
  assertEquals([one.told, two.told, passed], [["all"], ["all", 2], [5, 2, "end"]]);
  assertThrows(() => stdin.give(two, bytes(1)), ProtocolError, "after its end");
});

Deno.test("RunStdin says once that nobody is there, and asks the next one who comes", () => {
  const { stdin, awaited } = makeStdin();
  stdin.answer(WANTED);
  stdin.answer(WANTED);
  assertEquals(awaited(), 1);
  const giver = new Giver();
  stdin.add(giver);
  assertEquals(giver.told, ["some"]);
});

Deno.test("RunStdin asks nobody after the end of stdin", () => {
  const { stdin, passed, awaited } = makeStdin();
  const giver = new Giver();
  stdin.end();
  stdin.answer(WANTED);
  stdin.add(giver);
  assertEquals([giver.told, passed, awaited()], [[], ["end"], 0]);
  assertEquals(stdin.position(giver), { received: 0, taken: 0, ended: true, wanted: "no" });
});

Deno.test("RunStdin knows how far a giver was, and what is wanted of it", () => {
  const { stdin } = makeStdin();
  const [one, two] = [new Giver(), new Giver()];
  stdin.add(one);
  stdin.add(two);
  stdin.answer(WANTED);
  assertEquals(stdin.position(one), { received: 0, taken: 0, ended: false, wanted: "some" });
  stdin.give(one, bytes(7));
  stdin.answer(taken(3));
  assertEquals(stdin.position(one), { received: 7, taken: 3, ended: false, wanted: "no" });
  assertEquals(stdin.position(two), { received: 0, taken: 0, ended: false, wanted: "no" });
});

Deno.test("RunStdin takes no more than fits", () => {
  const { stdin } = makeStdin();
  const giver = new Giver();
  stdin.add(giver);
  stdin.give(giver, bytes(STDIN_WINDOW_BYTES));
  assertThrows(() => stdin.give(giver, bytes(1)), ProtocolError, "262145 unacknowledged bytes");
});
