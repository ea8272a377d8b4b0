// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { markAnyPort, removeLeftArchives } from "../../src/bridge/left_archives.ts";

const HOUR_MS = 3_600_000;

Deno.test("only logs of bridges are removed that had any free port, and ended a day ago", async () => {
  const parent = await Deno.makeTempDir({ prefix: "deploy-archives-" });
  try {
    const alive = `${parent}/alive`;
    await Deno.writeTextFile(alive, "");
    const gone = `${parent}/gone`;
    const bridges: [name: string, owner: string | undefined][] = [
      ["chosen port", undefined],
      ["running", alive],
      ["ended", gone],
      ["chosen port now", gone],
    ];
    for (const [name, owner] of bridges) {
      await Deno.mkdir(`${parent}/${name}/run`, { recursive: true });
      await Deno.writeTextFile(`${parent}/${name}/run/log`, "…");
      await markAnyPort(`${parent}/${name}`, owner);
    }
    await markAnyPort(`${parent}/chosen port now`, undefined);
    const left = () => Array.from(Deno.readDirSync(parent), ({ name }) => name).toSorted();
    const all = left();
    await removeLeftArchives(parent, Date.now() + 23 * HOUR_MS);
    assertEquals(left(), all);
    await removeLeftArchives(parent, Date.now() + 25 * HOUR_MS);
    assertEquals(left(), all.filter((name) => name !== "ended"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
