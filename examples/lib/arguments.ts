/** The arguments of the examples: small whole numbers. */

/**
 * Reads `Deno.args[index]` as a whole number of at least 1, or gives `byDefault` if it is not there.
 * Anything else ends the program with one line that says so.
 */
export function countArgument(index: number, name: string, byDefault: number): number {
  const text = Deno.args[index];
  if (text === undefined) return byDefault;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  console.error(`${name} is ${JSON.stringify(text)}; expected a whole number, as in ${byDefault}`);
  Deno.exit(2);
}
