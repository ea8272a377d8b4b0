/** The rehearsal of a spare: it does once, without effect, everything that it will do when it is used. */

import { hubIfAny, setHub } from "../channel/channel_end.ts";
import { Hold } from "../channel/hold.ts";
import { EXPECT_MS } from "../channel/connection.ts";
import { Hub, type HubOptions } from "../channel/hub.ts";
import { Receiver } from "../channel/receiver.ts";
import { Sender } from "../channel/sender.ts";
import { makePid, NO_PORT, parsePid, type Pid, randomId } from "../core/pid.ts";
import { DEFAULT_RESOURCES } from "../core/resources.ts";
import { listen, type TransportListener } from "../net/transport.ts";
import { decodeNodeMessage } from "../wire/control.ts";
import { encodeMessage, MessageDecoder } from "../wire/message.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import type { StartMessage } from "./node_link.ts";

/**
 * Decodes a message like the expected one, and encodes the answer without sending it. Where there is a
 * folder for Unix sockets, also sends a value over one, from one made-up process to another.
 *
 * A function is compiled when it is called for the first time, which takes ten times as long as the call:
 * here it delays no one.
 */
export function rehearse(pid: Pid, sockets: string | undefined): void {
  const arg = encode({ rehearsal: [1, 0.5, "text", null] });
  const cwd = "/a/working/directory/that/is/longer/than/most/of/the/strings/in/a/message";
  const start: StartMessage = {
    type: "start",
    parent: pid,
    function: "",
    name: "",
    arg,
    resources: DEFAULT_RESOURCES,
    cwd,
    env: null,
  };
  for (const body of new MessageDecoder().push(encodeMessage(start))) decodeNodeMessage(body);
  decode(arg);
  encodeMessage({ type: "started" });
  // It is only practice: what fails here, such as for lack of file descriptors, is reported when it counts.
  if (sockets !== undefined) rehearseChannel(pid, sockets).catch(() => {});
}

async function rehearseChannel(pid: Pid, sockets: string): Promise<void> {
  const { host } = parsePid(pid)!;
  const id = randomId();
  using listener = listen({ path: `${sockets}/${id}` });
  const parent = madeUp(makePid(id, host, NO_PORT), { listener, sockets });
  const child = madeUp(makePid(randomId(), host, NO_PORT), { sockets });
  parent.peer(child.pid).expect(EXPECT_MS);
  const met = child.meet(parent.pid);
  await exchange(child, parent, met);
}

/** The key of made-up runs. */
export const MADE_UP_KEY: Uint8Array<ArrayBuffer> = new Uint8Array(32);

/** A process of a made-up run. */
export function madeUp(
  pid: Pid,
  { listener, ...options }: Pick<HubOptions, "sockets" | "protection"> & {
    listener?: TransportListener;
  },
): Hub {
  listener?.unref();
  return new Hub({
    ...options,
    pid,
    key: MADE_UP_KEY,
    listeners: listener === undefined ? [] : [listener],
    hold: new Hold({ ref: () => {}, unref: () => {} }),
    ended: () => new Promise(() => {}),
    log: () => {},
    refused: () => {},
  });
}

/** The child sends a value to the parent once it has `met` it, and both end. */
export async function exchange(child: Hub, parent: Hub, met: Promise<void>): Promise<void> {
  // No code of the program runs in between.
  const own = hubIfAny();
  setHub(parent);
  const receiver = new Receiver<unknown>(child.pid);
  setHub(child);
  const sender = new Sender<unknown>(parent.pid);
  setHub(own);
  await met;
  await sender.send(new Uint8Array(16));
  await receiver.recv();
  await Promise.all([child.flush(0), parent.flush(0)]);
}
