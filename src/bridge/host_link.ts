/** The bridge's end of the link to a node that hosts processes of a run. */

import type { MessageLink } from "../net/message_link.ts";
import type { BridgeToNode, NodeToBridge } from "../wire/run_messages.ts";

export type HostLink = MessageLink<BridgeToNode, NodeToBridge>;
