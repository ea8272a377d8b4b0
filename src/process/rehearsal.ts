/** The rehearsal of a spare: it does once, without effect, everything that it will do when it is used. */

import type { Pid } from "../core/pid.ts";
import { DEFAULT_RESOURCES } from "../core/resources.ts";
import { decodeNodeMessage } from "../wire/control.ts";
import { encodeMessage, MessageDecoder } from "../wire/message.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import type { StartMessage } from "./node_link.ts";

/**
 * Decodes a message like the expected one, and encodes the answer without sending it.
 *
 * A function is compiled when it is called for the first time, which takes ten times as long as the call:
 * here it delays no one.
 */
export function rehearse(pid: Pid): void {
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
}
