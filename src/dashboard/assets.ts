/** The files of the page: its script, bundled once and kept where this runs from source, and its style. */

import { type BundleOptions, bundlePage } from "./page_bundle.ts";

/** The files, as texts. */
export interface PageAssets {
  readonly html: string;
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

/** Where `deno task build` puts the script and the style, from the project's root, for executables. */
export const BUILT_FOLDER = "dist/dashboard";

const HTML = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>deploy</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/page.css">
<div id="page"></div>
<noscript>The dashboard needs JavaScript.</noscript>
<script type="module" src="/page.js"></script>
</html>
`;

/** Three processes, one started by the other. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="8" fill="#4f46e5"/>
<rect x="6" y="8" width="20" height="4" rx="2" fill="#fff"/>
<rect x="10" y="14" width="12" height="4" rx="2" fill="#fff" opacity=".85"/>
<rect x="14" y="20" width="12" height="4" rx="2" fill="#fff" opacity=".7"/>
</svg>
`;

/**
 * The files of the page.
 *
 * @throws {BuildError} If the script has to be bundled, and cannot be.
 */
export async function pageAssets(options: BundleOptions = {}): Promise<PageAssets> {
  const { script, style } = Deno.build.standalone ? await builtPage() : await bundlePage(options);
  return { html: HTML, script, style, icon: ICON };
}

/** The files in this executable. */
async function builtPage(): Promise<{ script: string; style: string }> {
  const folder = new URL(`../../${BUILT_FOLDER}/`, import.meta.url);
  const [script, style] = await Promise.all(
    ["page.js", "page.css"].map((name) => Deno.readTextFile(new URL(name, folder))),
  );
  return { script: script!, style: style! };
}
