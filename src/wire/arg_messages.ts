/** The messages between two nodes, of which one fetches the argument of a spawn. */

import { bytesUpTo, type Schema, text } from "./schema.ts";

/** The size of the pieces of an argument, except the last. */
export const ARG_PIECE_BYTES = 256 * 1024;

/** The messages of the fetching node. */
export type FetchToNode =
  /** The only message: which argument. */
  { type: "fetch"; id: string };

/** The messages of the node that holds the argument. */
export type NodeToFetch =
  /** The next bytes of the argument. The fetching node knows its size, and closes the connection. */
  | { type: "arg"; bytes: Uint8Array<ArrayBuffer> }
  /** The argument has been released: no process waits for the spawn. */
  | { type: "gone" };

export const FETCH_TO_NODE: Schema<FetchToNode> = { fetch: { id: text } };

export const NODE_TO_FETCH: Schema<NodeToFetch> = {
  arg: { bytes: bytesUpTo(ARG_PIECE_BYTES) },
  gone: {},
};
