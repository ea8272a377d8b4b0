/** How a piece is sent to the bridge: as it is, or deflated. */

import { KiB, MiB } from "../core/resources.ts";
import { deflate } from "../wire/deflate.ts";
import type { DeflatedPieceMessage, PieceMessage } from "../wire/run_messages.ts";

/** This many bytes are a few packets on any network; loading the deflater takes as long as sending them. */
const FEW_BYTES = 16 * KiB;

/**
 * More than this is not a change but a program that is new to the cluster, with the runtime if it is an
 * executable: deflating it takes longer than a fast network takes to send it.
 */
const MANY_BYTES = 4 * MiB;

/** The message that carries a piece, of `neededBytes` that the bridge has asked for so far. */
export async function pieceMessage(
  hash: string,
  bytes: Uint8Array<ArrayBuffer>,
  neededBytes: number,
): Promise<PieceMessage | DeflatedPieceMessage> {
  if (neededBytes >= FEW_BYTES && neededBytes <= MANY_BYTES) {
    const deflated = await deflate(bytes);
    if (deflated !== undefined) return { type: "deflated-piece", hash, bytes: deflated };
  }
  return { type: "piece", hash, bytes };
}
