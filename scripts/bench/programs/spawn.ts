/** Spawns processes, and measures how long that takes. */

import { init, type Pid, Receiver, Sender, spawn, wait } from "deploy";
import { answerOf, LOOPS } from "./sizes.ts";

const BURST = 60;
const SINGLES = 12;
/** As many are started at the same time as a burst boots at once: two a core. */
const AT_ONCE = 2 * navigator.hardwareConcurrency;

async function tellTime(parent: Pid): Promise<void> {
  const runsMs = performance.timeOrigin + performance.now();
  await using sender = new Sender<number>(parent);
  await sender.send(runsMs);
}

async function answerFirst(parent: Pid): Promise<void> {
  await new Sender<Uint8Array>(parent).send(answerOf());
}

function nothing(): void {}

/** Starts processes in `lanes` lanes, each one after the end of the previous one; returns the number. */
async function coldStarts(lanes: number): Promise<number> {
  const each = Math.ceil(SINGLES / lanes);
  const lane = async () => {
    for (let count = 0; count < each; count++) await wait(await spawn(nothing));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return each * lanes;
}

await init({ functions: { tellTime, answerFirst, nothing } });

// Not loaded by the processes that are measured.
const { answer, median } = await import("./answer.ts");

await answer({
  /** From the call to where the function runs, in ms. */
  async untilRuns(): Promise<number> {
    const calledMs = performance.timeOrigin + performance.now();
    const pid = await spawn(tellTime);
    await using receiver = new Receiver<number>(pid);
    const runsMs = await receiver.recv();
    await wait(pid);
    return runsMs - calledMs;
  },
  /** From the call to where it has resolved, in ms. */
  async untilResolved(): Promise<number> {
    const start = performance.now();
    const pid = await spawn(nothing);
    const ms = performance.now() - start;
    await wait(pid);
    return ms;
  },
  /** From the call to the first value from the process, in ms. */
  async untilAnswered(): Promise<number> {
    const start = performance.now();
    const pid = await spawn(answerFirst);
    await using receiver = new Receiver<Uint8Array>(pid);
    await receiver.recv();
    const ms = performance.now() - start;
    await wait(pid);
    return ms;
  },
  /** Spawns, receives a value and waits for the end, again and again; the median of one, in ms. */
  async loop(): Promise<number> {
    const times = new Float64Array(LOOPS);
    for (let count = 0; count < LOOPS; count++) {
      const start = performance.now();
      const pid = await spawn(answerFirst);
      await using receiver = new Receiver<Uint8Array>(pid);
      await receiver.recv();
      await wait(pid);
      times[count] = performance.now() - start;
    }
    return median(times);
  },
  /** Many at once; gives how many. */
  async burst(): Promise<number> {
    const pids = await Promise.all(Array.from({ length: BURST }, () => spawn(nothing)));
    await Promise.all(pids.map(wait));
    return BURST;
  },
  /** One after another; gives how many. */
  alone: () => coldStarts(1),
  /** The same, as many at a time as keep all cores busy; gives how many. */
  together: () => coldStarts(AT_ONCE),
});
