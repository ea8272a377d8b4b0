/** What the files of a run take, and what follows. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { GiB, MiB } from "../../src/core/resources.ts";
import { DiskSum, judgeDisk, LEAST_BYTES, mostEntries } from "../../src/host/disk_limit.ts";
import { DiskWatch, lookAtDisk } from "../../src/host/disk_watch.ts";

const NEVER = new AbortController().signal;

Deno.test("judgeDisk() says what is over, and else when to look again", () => {
  const at = (usedBytes: number, tookMs = 10) => judgeDisk({ usedBytes, tookMs }, GiB);
  assertEquals(at(1.2 * GiB), { kind: "over", why: "disk: 1.2 GiB used, 1 GiB allowed" });
  assertEquals(at(GiB), { kind: "within", nextMs: 1_000 });
  assertEquals(at(GiB - 400 * MiB), { kind: "within", nextMs: 2_000 });
  assertEquals(at(0), { kind: "within", nextMs: 5_120 });
  assertEquals(at(GiB, 10_000), { kind: "within", nextMs: 200_000 }, "looking takes 5 % at most");
  assertEquals(judgeDisk({ usedBytes: 0, tookMs: 1 }, 100 * GiB), {
    kind: "within",
    nextMs: 30_000,
  });
});

Deno.test("DiskSum counts a file with several names once, and an empty one like a small one", () => {
  const sum = new DiskSum();
  for (const piece of ["8 2 1:5\n0 1 1:6\n16 ", "1 1:7\n8 2 1:5", "\n"]) sum.add(piece);
  assertEquals([sum.entries, sum.bytes], [4, 4_096 + LEAST_BYTES + 16 * 512]);
});

Deno.test("lookAtDisk() finds hidden and deep files, not what links lead to, and stops at the limit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/.a/b`, { recursive: true });
    await Deno.writeFile(`${folder}/.a/b/c`, new Uint8Array(MiB));
    await Deno.symlink("/usr", `${folder}/usr`);
    const { usedBytes } = await lookAtDisk({ folders: [folder], mostBytes: GiB }, NEVER);
    assert(usedBytes >= MiB && usedBytes < MiB + 16 * LEAST_BYTES, String(usedBytes));
    const most = mostEntries(10 * LEAST_BYTES);
    for (let count = 0; count < 20 * most; count++) {
      await Deno.writeFile(`${folder}/${count}`, new Uint8Array());
    }
    const found = await lookAtDisk({ folders: [folder], mostBytes: 10 * LEAST_BYTES }, NEVER);
    assert(found.usedBytes > 10 * LEAST_BYTES);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("DiskWatch looks again while there is less than allowed, says each time that there is more, and stops", async () => {
  const timers: { ms: number; then: () => void }[] = [];
  const found = [0, 1.5 * GiB, 1.5 * GiB];
  const said: string[] = [];
  const ofPerson: number[] = [];
  const watch = new DiskWatch({
    ...{ folders: () => ["/"], mostBytes: GiB, logger: createLogger("error", () => {}) },
    over: (why) => said.push(why),
    // What its person's runs may take can be full sooner.
    share: { took: (bytes) => ofPerson.push(bytes) === 1 ? 2_000 : 0 },
    startTimer: (ms, then) => {
      timers.push({ ms, then });
      return () => timers.splice(0);
    },
    look: () => Promise.resolve({ usedBytes: found.shift()!, tookMs: 1 }),
  });
  const delays: number[] = [];
  for (let count = 0; count < 3; count++) {
    const { ms, then } = timers.shift()!;
    delays.push(ms);
    then();
    while (timers.length === 0) await Promise.resolve();
  }
  assertEquals(delays, [1_000, 2_000, 1_000]);
  assertEquals(ofPerson, [0, 1.5 * GiB, 1.5 * GiB]);
  assertEquals(said, Array(2).fill("disk: 1.5 GiB used, 1 GiB allowed"));
  await watch.stop();
  assertEquals(timers.length, 0);
});
