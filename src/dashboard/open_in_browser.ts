/** Opens a link in the user's browser, where there is one. */

/** The command that opens a link, by system. */
const OPENERS: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "xdg-open",
  darwin: "open",
};

/** Opens it, at a terminal of a desktop. It may do nothing: the link has been printed, too. */
export function openInBrowser(link: string): void {
  const { os } = Deno.build;
  const opener = OPENERS[os];
  const hasDesktop = os !== "linux" ||
    ["DISPLAY", "WAYLAND_DISPLAY"].some((name) => Deno.env.get(name));
  if (opener === undefined || !hasDesktop || !Deno.stdout.isTerminal()) return;
  try {
    new Deno.Command(opener, { args: [link], stdin: "null", stdout: "null", stderr: "null" })
      .spawn().unref();
  } catch {
    // There is no such command: the user opens the link.
  }
}
