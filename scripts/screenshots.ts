/**
 * Makes the pictures of the dashboard in `docs/images/`: `deno task screenshots [FOLDER]`.
 *
 * They show a busy program on a cluster of this machine, in light and dark. They need chromium: the one that
 * `CHROMIUM` names, or else the first on the `PATH`.
 */

import { DashboardProcess, openBrowser } from "../tests/dashboard/browser.ts";
import { TestCluster } from "deploy/testing";

const FOLDER = Deno.args[0] ?? new URL("../docs/images", import.meta.url).pathname;
const PROGRAM = new URL("./screenshots/busy.ts", import.meta.url);

/** How long the program is watched, so that its time line and curves show something. */
const WATCH_MS = 15_000;

await Deno.mkdir(FOLDER, { recursive: true });
await using cluster = await TestCluster.start({ nodes: 3, mem: "4GiB", cpu: 4 });
await using run = await cluster.deploy(PROGRAM, { timeoutMs: 300_000, env: { FORCE_COLOR: "1" } });
await run.output(/read/);
await using dashboard = await DashboardProcess.start(cluster);
await using browser = await openBrowser();
const page = await browser.page({ width: 1280, height: 860, colorScheme: "light" });
await page.goto(dashboard.link);
await page.locator("[data-run] a").first().click();
await page.locator("[data-pid]").nth(5).waitFor();
await new Promise((resolve) => setTimeout(resolve, WATCH_MS));

async function shoot(name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    // The curves take their colours when they are made.
    const path = `${FOLDER}/${name}-${colorScheme}.png`;
    await page.waitForTimeout(1_200);
    await page.screenshot({ path });
    console.log(path);
  }
  await page.emulateMedia({ colorScheme: "light" });
}

await shoot("dashboard-run");
await page.getByRole("link", { name: "Traffic" }).click();
await page.locator(".traffic tbody tr").first().waitFor();
await shoot("dashboard-traffic");
await page.getByRole("link", { name: "Processes" }).click();
await page.getByRole("link", { name: "rater-2" }).first().click();
await page.locator("h1 .pid").waitFor();
await shoot("dashboard-process");
run.kill();
await run.ended;
