/**
 * How fluently the dashboard shows a run with 1,000 processes: `deno run -A scripts/dashboard_frames.ts`
 *
 * What each process does changes with each sample, and 100 lines of output come a second. It needs chromium: the one
 * that `CHROMIUM` names, or else the first on the `PATH`. On a machine without a graphics card chromium draws by the
 * CPU, which takes part of the cores from the page.
 */

import type { ProcessSample } from "../src/core/samples.ts";
import { pageAssets } from "../src/dashboard/assets.ts";
import { Dashboard } from "../src/dashboard/server.ts";
import type { Told } from "../src/dashboard/watched.ts";
import { openBrowser } from "../tests/dashboard/browser.ts";
import { ManyWatched } from "../tests/dashboard/many_watched.ts";

/** How long each view is measured. */
const MEASURE_MS = 10_000;

/** The time between two lines of output. */
const LINE_MS = 10;

const ACTIVITIES = ["computes", "waits", "idle"] as const;

/** As the run of the tests, but with something going on. */
class BusyWatched extends ManyWatched {
  #samples = 0;

  override samples(): Promise<readonly ProcessSample[]> {
    const round = ++this.#samples;
    return Promise.resolve(this.pids.map((pid, index) => {
      const activity = ACTIVITIES[(index + round) % ACTIVITIES.length]!;
      const cpuMs = round * (activity === "computes" ? 900 : 10);
      return {
        ...{ pid, activity, on: null, waits: `${activity} ${round}` },
        usage: { memBytes: 20_000_000 + ((index * round) % 97) * 100_000, cpuMs, ageMs: 0 },
        traffic: [{ remote: this.pids[0]!, values: round * 10, bytes: round * 1_000, full: [] }],
      };
    }));
  }

  override async *events(run: string, signal: AbortSignal): AsyncGenerator<Told> {
    const idle = super.events(run, signal);
    for (let count = 0; count < this.pids.length; count++) {
      const { value } = await idle.next();
      if (value !== undefined) yield value;
    }
    for (let line = 0; !signal.aborted; line++) {
      await new Promise((resolve) => setTimeout(resolve, LINE_MS));
      const bytes = new TextEncoder().encode(`line ${line} of a run that prints much\n`);
      const pid = this.pids[line % this.pids.length]!;
      yield { event: "output", pid, fd: 1, bytes, time: Date.now() };
    }
  }
}

/** In the page: the times between frames, in ms, while it is scrolled or not. */
const FRAMES = `(scrolls) => new Promise((resolve) => {
  const list = document.querySelector(".rows, .output, .traffic");
  const times = [];
  let last;
  const frame = (now) => {
    if (last !== undefined) times.push(now - last);
    last = now;
    if (scrolls && list) list.scrollTop = (list.scrollTop + 40) % Math.max(1, list.scrollHeight);
    if (times.reduce((sum, ms) => sum + ms, 0) < ${MEASURE_MS}) requestAnimationFrame(frame);
    else resolve(times);
  };
  requestAnimationFrame(frame);
})`;

let link = "";
const onLink = (next: string) => link ||= next;
const server = new Dashboard({
  watched: new BusyWatched(),
  port: 0,
  assets: pageAssets,
  onLink,
});
await using browser = await openBrowser();
const page = await browser.page({ width: 1280, height: 900, colorScheme: "light" });
await page.goto(link);
await page.goto(`${new URL(link).origin}/runs/many`);
await page.locator("[aria-rowcount='1000']").waitFor();
const session = await page.context().newCDPSession(page);
// CPU time of the thread: other programs on the machine are not in it.
await session.send("Performance.enable", { timeDomain: "threadTicks" });

/** How much CPU time the page's thread has used so far, in seconds. */
async function worked(): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration")!.value;
}

for (const view of ["Processes", "Traffic", "Output"]) {
  await page.getByRole("link", { name: view }).click();
  for (const scrolls of [false, true]) {
    const [startMs, before] = [performance.now(), await worked()];
    const times = await page.evaluate(`(${FRAMES})(${scrolls})`) as number[];
    const busy = (await worked() - before) / (performance.now() - startMs) * 1_000;
    times.sort((one, other) => one - other);
    const at = (share: number) => times[Math.floor(share * (times.length - 1))]!.toFixed(0);
    const perSecond = (times.length / times.reduce((sum, ms) => sum + ms, 0) * 1_000).toFixed(0);
    console.log(
      `${view}${scrolls ? ", scrolled" : ""}: ${perSecond} frames/s, p50 ${at(0.5)} ms, ` +
        `p99 ${at(0.99)} ms, longest ${at(1)} ms; ${(busy * 100).toFixed(0)} % of a core`,
    );
  }
}
await server.close();
