/** Modules as arguments of commands. */

/** The path of a module on this machine's disk; the text of another URL. */
export function pathOf(module: string | URL): string {
  if (typeof module === "string" && !module.startsWith("file:")) return module;
  const url = new URL(module);
  return url.protocol === "file:" ? decodeURIComponent(url.pathname) : url.href;
}
