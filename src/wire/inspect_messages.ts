/**
 * The messages on the connections that reach the inspector of a process: from deploy to the bridge, and from the node
 * of the process to the bridge. What comes before `bytes` is for the bridge; `bytes` and `end` pass through it.
 */

import type { Pid } from "../core/pid.ts";
import { bytesUpTo, pid, type Schema, text, textUpTo } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a connection to an inspector carries: bytes, and the end of one direction. */
export type RelayMessage = { type: "bytes"; bytes: Bytes } | { type: "end" };

/** The most bytes in one message. */
export const RELAY_BYTES = 64 * 1024;

/** The size limit of such a message: the bytes, and what is around them. */
export const MAX_RELAY_MESSAGE_BYTES: number = RELAY_BYTES + 1024;

/** The messages of deploy to the bridge. */
export type DeployToInspector =
  /**
   * The first message: asks for the inspector of that process. `token` is that of the deploy that started its run. The
   * answer is `attached` or `refused`.
   */
  | { type: "inspect"; token: string; pid: Pid }
  | RelayMessage;

/** The messages of the bridge to deploy. */
export type InspectorToDeploy =
  | { type: "attached" }
  /** There is none, and why. The last message. */
  | { type: "refused"; why: string }
  | RelayMessage;

/** The messages of a node to the bridge. */
export type NodeToInspector =
  /** The first message: the connection is the one that the bridge has asked for with that id. */
  | { type: "inspector"; id: string }
  /** The same, but there is no inspector, and why. The last message. */
  | { type: "no-inspector"; id: string; why: string }
  | RelayMessage;

/** The messages of the bridge to a node. */
export type InspectorToNode = RelayMessage;

/** The most characters of a token or an id. */
const MAX_ID = 256;

const RELAYED: Schema<RelayMessage> = { bytes: { bytes: bytesUpTo(RELAY_BYTES) }, end: {} };
const id = textUpTo(MAX_ID);

export const DEPLOY_TO_INSPECTOR: Schema<DeployToInspector> = {
  inspect: { token: id, pid },
  ...RELAYED,
};

export const INSPECTOR_TO_DEPLOY: Schema<InspectorToDeploy> = {
  attached: {},
  refused: { why: text },
  ...RELAYED,
};

export const NODE_TO_INSPECTOR: Schema<NodeToInspector> = {
  "inspector": { id },
  "no-inspector": { id, why: text },
  ...RELAYED,
};

export const INSPECTOR_TO_NODE: Schema<InspectorToNode> = RELAYED;
