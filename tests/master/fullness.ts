import type { Amount } from "../../src/master/amount.ts";

/** How full a node would be with `need`, by its fuller dimension; 1 is full. */
export function fullnessWith(
  { capacity, free }: { readonly capacity: Amount; readonly free: Amount },
  need: Amount,
): number {
  const [mem, cpu] = (["mem", "cpu"] as const).map((each) =>
    (capacity[each] - free[each] + need[each]) / Math.max(capacity[each], 1)
  );
  return Math.max(mem!, cpu!);
}
