/** A user's cache folder for a test, while Deno's own cache stays where it is. */

/** The variables for it. */
export function ownCache(folder: string): Record<string, string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
  return { XDG_CACHE_HOME: folder, DENO_DIR: Deno.env.get("DENO_DIR") || `${cache}/deno` };
}
