/** Where a process listens for others. */

/** The first and the last port. */
export type Ports = readonly [from: number, to: number];

/**
 * Listens at `hostname`: on any free port, or on a free one of `ports`, beginning anywhere among them, so that
 * processes that start at the same time do not all try the same ones.
 *
 * @param open Listens there; port 0 is any free one.
 * @param random A number from 0 to 1, without 1.
 * @throws {Error} If all of them are taken.
 */
export function listenWithin<Listener>(
  { hostname, ports }: { hostname: string; ports?: Ports | undefined },
  open: (at: { hostname: string; port: number }) => Listener,
  random: () => number = Math.random,
): Listener {
  if (ports === undefined) return open({ hostname, port: 0 });
  const [from, to] = ports;
  const count = to - from + 1;
  const first = Math.floor(random() * count);
  for (let tried = 0; tried < count; tried++) {
    try {
      return open({ hostname, port: from + (first + tried) % count });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(
    `Cannot listen on ${hostname}: all ports from ${from} to ${to} are taken, and this node lets its ` +
      `processes use no others (fabric --ports)`,
  );
}
