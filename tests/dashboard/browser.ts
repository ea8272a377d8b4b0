/** A dashboard as a process of its own, and a real browser that looks at it. */

// @ts-types="../../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import axe from "npm:axe-core@4.14.1";
import { type Browser, chromium, type Page } from "npm:playwright-core@1.65.1";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;

/** How long anything of a browser may take, on a machine that is busy with other tests. */
const LIMIT_MS = 60_000;

/** The chromium that `CHROMIUM` names, or the first on the `PATH`; `undefined` if there is none. */
export function chromiumPath(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  if (named) return named;
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      if (isFile(`${folder}/${name}`)) return `${folder}/${name}`;
    }
  }
  return undefined;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // it is not there, or may not be seen
  }
}

/** How a page is shown. */
export interface PageOptions {
  readonly width: number;
  readonly height: number;
  readonly colorScheme: "light" | "dark";
}

/** A running browser. Disposing of it ends it. */
export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  /** What pages have complained about: errors, and what their policy has blocked. */
  readonly complaints: string[] = [];
  /** The addresses that pages have asked for. */
  readonly requests: string[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Opens an empty page, in a profile of its own. */
  async page({ width, height, colorScheme }: PageOptions): Promise<Page> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme,
      deviceScaleFactor: 1,
    });
    context.setDefaultTimeout(LIMIT_MS);
    const page = await context.newPage();
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("request", (request) => this.requests.push(request.url()));
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** @throws {Error} If there is no chromium. */
export async function openBrowser(): Promise<TestBrowser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    throw new Error("There is no chromium on the PATH; install it, or name it in CHROMIUM");
  }
  // The tests run in containers, as root, where chromium's own sandbox cannot be made.
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  return new TestBrowser(await chromium.launch({ executablePath, args, timeout: LIMIT_MS }));
}

/** `deploy dashboard`, as a user starts it. Disposing of it ends it as Ctrl-C does. */
export class DashboardProcess implements AsyncDisposable {
  /** The link that it printed first. */
  readonly link: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: Promise<void>;
  #stopped: Promise<void> | undefined;

  private constructor(link: string, child: Deno.ChildProcess, lines: Promise<void>) {
    this.link = link;
    this.#child = child;
    this.#lines = lines;
  }

  /** Starts it for that bridge. */
  static async start(
    { bridge, secretFile }: { readonly bridge: string; readonly secretFile: string },
  ): Promise<DashboardProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "-A", CLI, "dashboard", bridge],
        ...["--format", "json", "--secret-file", secretFile],
      ],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(
      new TextLineStream(),
    );
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const reading = (async () => {
      for await (const line of lines) resolve(JSON.parse(line).link);
      reject(new Error("deploy dashboard has ended without a link"));
    })();
    return new DashboardProcess(await promise, child, reading);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stopped ??= this.#stop();
  }

  async #stop(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#lines;
    await this.#child.status;
  }
}

/** The rules of WCAG 2.2, levels A and AA, that can be checked by a program. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What a page has against the rules for accessibility: the rule, and the first element, for each. */
export async function inaccessible(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`,
  ) as { violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] };
  return violations.map(({ id, nodes: [first] }) =>
    `${id}: ${first?.html} ${first?.failureSummary}`
  );
}
