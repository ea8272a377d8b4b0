/** Passes what a TCP connection carries through a message link, in both directions, with the end of each. */

import { messageOf } from "../core/errors.ts";
import { RELAY_BYTES, type RelayMessage } from "../wire/inspect_messages.ts";
import { closeQuietly, writeAll } from "./transport.ts";
import { LinkError } from "./message_link.ts";

/** The part of a TCP connection that is used. */
export type RelayedConnection = Pick<Deno.TcpConn, "read" | "write" | "closeWrite" | "close">;

/** The part of a message link that is used. */
export interface RelayLink {
  readonly over: boolean;
  send(message: RelayMessage): Promise<void>;
  drop(reason?: LinkError): void;
  close(): Promise<void>;
}

/**
 * Passes on bytes until both directions have ended, or the link has. Then both are closed. A side that does not take
 * what comes holds back the other one: at most the messages in the queue of the link are in memory.
 *
 * @param messages What comes on the link.
 * @param leads Whether this side closes the link when both directions have ended; otherwise it waits until the other
 * side does, which has all then.
 */
export async function relay(
  conn: RelayedConnection,
  link: RelayLink,
  messages: AsyncIterable<RelayMessage>,
  { leads }: { readonly leads: boolean },
): Promise<void> {
  let open = 2;
  const ended = async (): Promise<void> => {
    if (--open === 0 && leads) await link.close();
  };
  const broke = (cause: unknown): void =>
    link.drop(new LinkError(`the relayed connection broke: ${messageOf(cause)}`, { cause }));
  const sending = send(conn, link).then(ended, broke);
  try {
    for await (const message of messages) {
      if (message.type === "bytes") await writeAll(conn, message.bytes);
      else {
        await conn.closeWrite();
        await ended();
      }
    }
  } catch (cause) {
    broke(cause);
  }
  link.drop();
  closeQuietly(conn); // its owner may have
  await sending;
}

async function send(conn: RelayedConnection, link: RelayLink): Promise<void> {
  const buffer = new Uint8Array(RELAY_BYTES);
  while (!link.over) {
    const count = await conn.read(buffer);
    if (count === null) return await link.send({ type: "end" });
    await link.send({ type: "bytes", bytes: buffer.slice(0, count) });
  }
}
