/** This user, as a run shows who started it, or told it to stop: `user@host`. */
export function thisUser(): string {
  const variable = ["USER", "LOGNAME", "USERNAME"].find((name) => Deno.env.get(name));
  const uid = Deno.uid();
  const fallback = uid === 0 ? "root" : `${uid ?? "?"}`;
  const user = variable === undefined ? fallback : Deno.env.get(variable)!;
  return `${user}@${Deno.hostname()}`;
}
