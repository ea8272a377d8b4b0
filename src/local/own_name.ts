/** The program's name: its file, or its compiled executable. */
export function ownName(): string {
  const { standalone } = Deno.build;
  const path = standalone ? Deno.execPath() : decodeURIComponent(new URL(Deno.mainModule).pathname);
  return path.slice(path.lastIndexOf("/") + 1);
}
