export const meta: ImportMeta = import.meta;

export function data(): string {
  return JSON.parse(Deno.readTextFileSync(new URL("./data.json", import.meta.url))).word;
}

/** Has the same name as a function of another module. */
export function work(): number {
  return 1;
}
