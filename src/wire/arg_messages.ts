/** What a node says to another one, to fetch the argument of a spawn. */

import { bytes, type Schema, text } from "./schema.ts";

/** How large the pieces of an argument are, but for the last one. */
export const ARG_PIECE_BYTES = 256 * 1024;

/** What the node says that fetches. */
export type FetchToNode =
  /** The one message: which argument. */
  { type: "fetch"; id: string };

/** What the node says that has the argument. */
export type NodeToFetch =
  /** The next bytes of the argument. Who fetches it knows its size, and closes the connection. */
  | { type: "arg"; bytes: Uint8Array<ArrayBuffer> }
  /** It is not here any more: nobody waits for the process. */
  | { type: "gone" };

export const FETCH_TO_NODE: Schema<FetchToNode> = { fetch: { id: text } };

export const NODE_TO_FETCH: Schema<NodeToFetch> = { arg: { bytes }, gone: {} };
