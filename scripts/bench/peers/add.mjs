// deno-lint-ignore-file explicit-module-boundary-types -- it is JavaScript
/** The call that piscina's threads run. */
export default function add({ a, b }) {
  return a + b;
}
