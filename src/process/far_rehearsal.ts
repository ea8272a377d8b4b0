/** The rehearsal of a spare for channels to other hosts, as in rehearsal.ts. */

import type { Hub } from "../channel/hub.ts";
import { makePid, NO_PORT, randomId } from "../core/pid.ts";
import { ChannelProtection } from "../net/channel_protection.ts";
import type { Protection } from "../net/protocol.ts";
import { listen } from "../net/transport.ts";
import { exchange, MADE_UP_KEY, madeUp } from "./rehearsal.ts";

const LOOPBACK = "127.0.0.1";

/**
 * What a spare does for its first connection to another host.
 *
 * @param isSpare Whether it has not been told what to run yet.
 */
export async function prepareFar(
  hub: Hub,
  protection: Protection | undefined,
  isSpare: () => boolean,
): Promise<void> {
  await hub.prepare();
  // Afterwards it would delay the function. What fails here is reported when it counts.
  if (isSpare()) await rehearseFar(protection).catch(() => {});
}

/**
 * Sends a value from one made-up process to another as between two hosts, over loopback. Does nothing where the
 * program may not connect to everything.
 */
export async function rehearseFar(protection: Protection | undefined): Promise<void> {
  if (Deno.permissions.querySync({ name: "net" }).state !== "granted") return;
  using listener = listen({ hostname: LOOPBACK, port: 0 });
  const own = () => new ChannelProtection({ key: MADE_UP_KEY, protection });
  const child = madeUp(makePid(randomId(), LOOPBACK, listener.addr.port), {
    listener,
    protection: own(),
  });
  const parent = madeUp(makePid(randomId(), LOOPBACK, NO_PORT), { protection: own() });
  // The child expects the parent to connect.
  await exchange(child, parent, child.meet(parent.pid));
}
