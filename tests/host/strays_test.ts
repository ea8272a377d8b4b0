// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Marks } from "../../src/host/marks.ts";
import { Strays } from "../../src/host/strays.ts";

const limits = (mark: string) =>
  `Max processes     10     10     processes\nMax file locks    ${mark}    ${mark}    locks\n`;

/** Processes that cost 2 ms each to look at. */
class Machine {
  readonly texts = new Map<number, string>();
  nowMs = 0;
  looks = 0;
  readonly file: string;
  readonly strays: Strays;

  constructor(file: string) {
    this.file = file;
    const list = () => {
      this.looks++;
      return ["self", "meminfo", ...Array.from(this.texts.keys(), String)];
    };
    const read = (path: string) => {
      this.nowMs += 2;
      return this.texts.get(Number(path.split("/")[2]));
    };
    this.strays = new Strays({ list, read }, () => this.nowMs);
  }
}

Deno.test("Strays finds the processes with a mark, and not one that has got the id of one", () => {
  for (const marks of [new Marks(), new Marks(true)]) {
    const { place } = marks;
    const machine = new Machine(place.file);
    const text = (mark: string) =>
      place.file === "limits" ? limits(mark) : `Name:\tsh\nGroups:\t0 ${mark.replace(",", " ")} \n`;
    const [own, other] = [marks.next(), marks.next()];
    for (const id of [10, 12]) machine.texts.set(id, text(own));
    machine.texts.set(11, text(other));
    machine.texts.set(13, "");
    assertEquals(machine.strays.of({ mark: own, place }), [10, 12]);
    assertEquals(machine.strays.of({ mark: other, place }), [11]);
    assertEquals(machine.strays.of({ mark: marks.next(), place }), []);
    machine.texts.set(10, text(other));
    machine.texts.delete(12);
    assertEquals(machine.strays.of({ mark: own, place }), []);
    assertEquals(machine.looks, 1);
  }
});

Deno.test("Strays looks every second, and less often where that takes long", () => {
  const marks = new Marks();
  const marked = { mark: marks.next(), place: marks.place };
  const machine = new Machine("limits");
  machine.texts.set(10, limits(marked.mark));
  machine.strays.of(marked);
  machine.nowMs = 999;
  machine.strays.of(marked);
  assertEquals(machine.looks, 1);
  machine.nowMs = 1_000;
  for (let id = 100; id < 1_100; id++) machine.texts.set(id, limits("1"));
  assertEquals(machine.strays.of(marked), [10]);
  assertEquals(machine.looks, 2, "it took 2 s");
  machine.nowMs = 1_000 + 50 * 2_002 - 1;
  machine.strays.of(marked);
  assertEquals(machine.looks, 2);
  machine.nowMs = 1_000 + 50 * 2_002;
  machine.strays.of(marked);
  assertEquals(machine.looks, 3);
});
