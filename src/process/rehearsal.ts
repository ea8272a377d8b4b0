/** What a process does that waits to be spawned: all that it will do then, once, for nothing. */

import type { Pid } from "../core/pid.ts";
import { DEFAULT_RESOURCES } from "../core/resources.ts";
import { decodeNodeMessage } from "../wire/control.ts";
import { encodeMessage, MessageDecoder } from "../wire/message.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import type { StartMessage } from "./node_link.ts";

/**
 * Reads a message like the one that is to come, and writes the answer, to nobody.
 *
 * A function is compiled when it is called for the first time, which takes ten times as long as the
 * call: here nobody waits for that yet.
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
