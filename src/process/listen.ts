/** Where a process listens for others. */

/** The first and the last port. */
export type Ports = readonly [from: number, to: number];

/**
 * Listens at `host`: on any free port, or on a free one of `ports`, beginning anywhere among them, so that
 * processes that start at the same time do not all try the same ones.
 *
 * @param random A number from 0 to 1, without 1.
 * @throws {Error} If all of them are taken.
 */
export function listenWithin(
  host: string,
  ports: Ports | undefined,
  random: () => number = Math.random,
): Deno.TcpListener {
  if (ports === undefined) return Deno.listen({ hostname: host, port: 0 });
  const [from, to] = ports;
  const count = to - from + 1;
  const first = Math.floor(random() * count);
  for (let tried = 0; tried < count; tried++) {
    try {
      return Deno.listen({ hostname: host, port: from + (first + tried) % count });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(
    `Cannot listen on ${host}: all ports from ${from} to ${to} are taken, and this node lets its ` +
      `processes use no others (fabric --ports)`,
  );
}
