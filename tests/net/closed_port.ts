/** A port on which nothing listens. */

/**
 * A port on which nothing listens, and nothing begins to as long as it is held: it is a client's own. A port that
 * was closed may be given to whoever listens next, such as another test.
 */
export async function closedPort(
  hostname = "127.0.0.1",
): Promise<Disposable & { readonly port: number }> {
  using listener = Deno.listen({ hostname, port: 0 });
  const [client, accepted] = await Promise.all([
    Deno.connect({ hostname, port: listener.addr.port }),
    listener.accept(),
  ]);
  const close = (): void => {
    client.close();
    accepted.close();
  };
  return { port: client.localAddr.port, [Symbol.dispose]: close };
}
