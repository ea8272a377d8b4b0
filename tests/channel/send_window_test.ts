/** The window of a channel, as its sender counts it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { SendWindow } from "../../src/channel/send_line.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { FIRST_WINDOW_BYTES, WINDOW_BYTES } from "../../src/wire/frame.ts";

Deno.test("a window has no room until it is open, little until there is a Receiver, and then its full size", () => {
  const window = new SendWindow();
  assertEquals([window.size, window.room, window.accepted], [0, false, false]);
  window.open();
  assertEquals([window.size, window.room, window.accepted], [FIRST_WINDOW_BYTES, true, false]);
  window.accept(0);
  assertEquals([window.size, window.room, window.accepted], [WINDOW_BYTES, true, true]);
});

Deno.test("a window has room until it is full, and again after any credit", () => {
  const window = new SendWindow();
  window.open();
  window.take(FIRST_WINDOW_BYTES - 1);
  assertEquals(window.room, true);
  window.take(100);
  assertEquals([window.room, window.inFlight], [false, FIRST_WINDOW_BYTES + 99]);
  window.credit(99, 0);
  assertEquals(window.room, false);
  window.credit(1, 0);
  assertEquals(window.room, true);
});

Deno.test("a value that the first window cannot hold waits for a Receiver", () => {
  const window = new SendWindow();
  assertEquals(window.mayHold(1), false);
  window.open();
  assertEquals(window.mayHold(FIRST_WINDOW_BYTES), true);
  assertEquals(window.mayHold(FIRST_WINDOW_BYTES + 1), false);
  window.accept(0);
  assertEquals(window.mayHold(100 * WINDOW_BYTES), true);
  window.take(WINDOW_BYTES);
  assertEquals(window.mayHold(1), false);
});

Deno.test("a credit for more than is in flight, and a second Receiver, are errors of the receiver", () => {
  const window = new SendWindow();
  window.restore(10, true);
  assertThrows(
    () => window.credit(11, 7),
    ProtocolError,
    "a credit of 11 bytes for channel 7; only 10 are in flight",
  );
  assertThrows(() => window.accept(7), ProtocolError, "channel 7 was accepted twice");
});
