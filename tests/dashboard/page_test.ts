/** The page in a real browser: what it says of a real run on a real cluster, and what it lets one do. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Page } from "npm:playwright-core@1.65.1";
import { pageAssets } from "../../src/dashboard/assets.ts";
import { Dashboard } from "../../src/dashboard/server.ts";
import { TestCluster } from "../../src/testing/test_cluster.ts";
import { DashboardProcess, inaccessible, openBrowser } from "./browser.ts";
import { ManyWatched } from "./many_watched.ts";
import { within } from "../within.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const PROGRAM = new URL("./program.ts", import.meta.url);

const DESK = { width: 1280, height: 900, colorScheme: "light" } as const;

/** The objects that a command of deploy prints with `--format json`. */
async function data(cluster: TestCluster, ...words: string[]): Promise<Record<string, unknown>[]> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "-A", CLI, words[0]!, cluster.bridge, ...words.slice(1)],
      ...["--format", "json", "--secret-file", cluster.secretFile],
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  assert(success);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

/** What the table of processes says: Pid, name, and the state as a word. */
async function rowsOf(page: Page): Promise<[string, string, boolean][]> {
  return await page.locator("[data-pid]").evaluateAll((rows) =>
    rows.map((row) => {
      const [name, state] = [".name", ".state"].map((part) =>
        row.querySelector(part)!.textContent!
      );
      return [row.dataset.pid!, name!.trim().split(" ")[1]!, !state!.startsWith("exited")];
    })
  );
}

Deno.test("the page says of a run what deploy ps says, and ends what one asks it to", async (t) => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  await using run = await cluster.deploy(PROGRAM, { timeoutMs: 300_000 });
  await run.output(/all have begun/);
  await using dashboard = await DashboardProcess.start(cluster);
  await using browser = await openBrowser();
  const page = await browser.page(DESK);
  const site = new URL(dashboard.link).origin;
  const [{ run: id } = {}] = await data(cluster, "ps");

  await t.step(
    "the link opens it once, and gives a cookie that scripts and other sites do not get",
    async () => {
      await page.goto(dashboard.link);
      assertEquals(page.url(), `${site}/`);
      const [cookie] = await page.context().cookies();
      assertEquals([cookie?.httpOnly, cookie?.sameSite], [true, "Strict"]);
      for (
        const [path, headers, status] of [
          [dashboard.link, {}, 403],
          [site, {}, 403],
          [`${site}/page.js`, {}, 403],
          [
            site,
            { cookie: `${cookie!.name}=${cookie!.value}`, origin: "http://evil.example" },
            403,
          ],
          [site, { cookie: `${cookie!.name}=${cookie!.value}` }, 200],
        ] as const
      ) {
        const response = await fetch(path, { headers });
        await response.body?.cancel();
        assertEquals(response.status, status, path);
      }
    },
  );

  await t.step("it lists the nodes and the runs of the cluster", async () => {
    await page.locator("[data-node]").nth(1).waitFor();
    const shown = await page.locator("[data-node]").evaluateAll((rows) =>
      rows.map((row) => [row.dataset.node!, row.querySelector(".pill")!.textContent!])
    );
    assertEquals(await inaccessible(page), []);
    const nodes = await data(cluster, "nodes");
    assertEquals(shown, nodes.map(({ node, state }) => [node, state]));
    await page.locator(`[data-run="${id}"] a`).click();
    await page.waitForURL(`${site}/runs/${id}`);
  });

  await t.step("its processes are those of deploy ps, in the same order", async () => {
    await page.locator("[data-pid]").nth(4).waitFor();
    await page.locator(".swatch.failed").waitFor();
    const processes = await data(cluster, "ps", String(id));
    assertEquals(
      await rowsOf(page),
      processes.map(({ pid, name, state }) => [pid, name, state === "running"]),
    );
    assertEquals(processes.length, 5);
    assertEquals(await inaccessible(page), []);
    await page.getByRole("button", { name: "Failed" }).click();
    await page.locator("[data-pid]").nth(1).waitFor({ state: "detached" });
    assertEquals((await rowsOf(page)).map(([, name]) => name), ["failing"]);
    await page.getByRole("button", { name: "All" }).first().click();
  });

  await t.step("what a program printed is text in its colours, and nothing else", async () => {
    await page.getByRole("link", { name: "Output" }).click();
    await page.waitForURL(`${site}/runs/${id}/output`);
    assertEquals(await page.locator(".line .fg-1").first().textContent(), "red");
    const line = page.locator(".line .text", { hasText: "red" }).first();
    assertEquals(await line.textContent(), "red <img src=x onerror=alert(1)> & done");
    assertEquals(await page.locator(".output img").count(), 0);
    assertEquals(await inaccessible(page), []);
    await page.getByRole("searchbox").fill("HAVE BEG");
    await page.locator(".line").nth(1).waitFor({ state: "detached" });
    assertEquals(await page.locator(".line mark").textContent(), "have beg");
  });

  await t.step("it says who has sent how many values to whom", async () => {
    await page.getByRole("link", { name: "Traffic" }).click();
    await page.locator(".traffic tbody tr").nth(2).waitFor();
    const cells = await page.locator(".traffic tbody tr").evaluateAll((rows) =>
      rows.map((row) => [0, 1, 4].map((at) => row.querySelectorAll("td")[at]!.textContent!.trim()))
    );
    assertEquals(await inaccessible(page), []);
    const names = (text: string) => text.split(" ")[1]!;
    assertEquals(
      cells.map(([from, to, values]) => [names(from!), names(to!), values!]).sort(),
      ["one", "three", "two"].map((name) => ["program.ts", name, "7"]),
    );
  });

  await t.step("a process has an address of its own, and is reached by keyboard", async () => {
    await page.getByRole("link", { name: "Processes" }).click();
    await page.locator("[data-pid]").nth(4).waitFor();
    const [, second] = await rowsOf(page);
    await page.locator(".rows").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site}/runs/${id}/process/${second![0].slice(0, 7)}`);
    await page.reload();
    const title = `${second![1]} · program.ts · deploy`;
    // waitForFunction() needs eval(), which the page forbids, unless its condition holds at once.
    let shown = "";
    const isShown = async () => (shown = await page.title()) === title;
    await within(30_000, isShown, () => `the title is ${shown}, not ${title}`);
    let line = "";
    // On a busy machine, a process may not get its turn to answer, and so seem to compute.
    do line = String((await data(cluster, "why", second![0]))[0]?.waits); while (
      line.startsWith("computing")
    );
    assertMatch(line, /recv from \w+ program.ts "numbers"/);
    await page.locator(".doing", { hasText: line }).waitFor();
  });

  await t.step("a process is ended only if one confirms it", async () => {
    assertEquals(await inaccessible(page), []);
    await page.getByRole("button", { name: "Stop process…" }).click();
    assertEquals(await inaccessible(page), []);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assertEquals(await page.locator(".headline .pill").textContent(), "running");
    await page.getByRole("button", { name: "Stop process…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Stop" }).click();
    await page.locator(".headline .pill", { hasText: "exited: SIGTERM" }).waitFor();
    const processes = await data(cluster, "ps", String(id));
    assertEquals(processes[1]?.status, { signal: "SIGTERM" });
  });

  await t.step("the end of the run is seen", async () => {
    await page.getByRole("link", { name: String(id) }).click();
    await page.getByRole("button", { name: "Stop run…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Kill at once" }).click();
    await page.locator(".headline .pill", { hasText: "ended" }).waitFor();
    const { code } = await run.ended;
    assertEquals(await page.locator(".headline .pill").textContent(), `ended: ${code}`);
  });

  await t.step("nothing was loaded from elsewhere, and nothing went wrong", () => {
    const elsewhere = browser.requests.filter((url) => new URL(url).origin !== site);
    assertEquals(elsewhere, []);
    assertEquals(browser.complaints, []);
  });

  await t.step("the server ends although a page is open, which says so", async () => {
    await dashboard[Symbol.asyncDispose]();
    await page.locator(".notice", { hasText: "No connection" }).waitFor();
  });
});

Deno.test("the page of a local run shows it, and can end it", async () => {
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "--config", config, PROGRAM.pathname],
    env: { DEPLOY_DASHBOARD: "0", NO_COLOR: "1", DEPLOY_GRACE: "1s" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stdout = new Response(program.stdout).text();
  const [forLink, forRest] = program.stderr.tee();
  const rest = new Response(forRest).text();
  try {
    let said = "";
    for await (const text of forLink.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("token=") && said.endsWith("\n")) break;
    }
    const [link = ""] = /http:\S+/.exec(said) ?? [];
    await using browser = await openBrowser();
    const page = await browser.page(DESK);
    await page.goto(link);
    await page.locator("[data-run] a").click();
    await page.locator(".swatch.failed").waitFor();
    const names = ["failing", "one", "program.ts", "three", "two"];
    await page.locator("[data-pid]").nth(names.length - 1).waitFor();
    assertEquals((await rowsOf(page)).map(([, name]) => name).sort(), names);
    await page.getByRole("button", { name: "Stop run…" }).click();
    await page.locator("dialog").getByRole("button", { name: "Stop" }).click();
    const { code } = await program.status;
    assertEquals(code, 143, await rest);
    await page.locator(".notice", { hasText: "No connection" }).waitFor();
  } finally {
    await Promise.all([stdout, rest]);
  }
});

Deno.test("of a thousand processes those on the screen have elements, all of them can be reached", async () => {
  let link = "";
  const watched = new ManyWatched();
  const onLink = (next: string) => link ||= next;
  const server = new Dashboard({ watched, port: 0, assets: pageAssets, onLink });
  try {
    await using browser = await openBrowser();
    const page = await browser.page({ width: 390, height: 844, colorScheme: "dark" });
    await page.goto(link);
    await page.goto(`${new URL(link).origin}/runs/many`);
    await page.locator("[aria-rowcount='1000']").waitFor();
    await page.locator(".swatch.computes").nth(3).waitFor();
    assert(await page.locator("[data-pid]").count() < 60);
    await page.locator(".rows").focus();
    await page.keyboard.press("End");
    await page.locator(`[data-pid="${watched.pids.at(-1)}"]`).waitFor();
    assert(await page.locator("[data-pid]").count() < 60);
    assertEquals(await inaccessible(page), []);
    // A phone's width is enough: nothing is beside the screen.
    assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 390);
    assertEquals(browser.complaints, []);
  } finally {
    await server.close();
  }
});

Deno.test("the script of the page is small", async () => {
  const { script } = await pageAssets({ cache: undefined });
  assert(script.length < 120_000, `${script.length} bytes`);
});
