/**
 * All modules that a process loads, so that Deno finds each of them here first.
 *
 * Deno reads the compiled code of a module a second time if the module is the first one to import another.
 * With this list, that applies to two modules instead of 24, which makes the start of a process 2 of 35 ms
 * shorter (Deno 2.9). tests/process/boot_modules_test.ts checks that the list is complete.
 */

import "../channel/acceptor.ts";
import "../channel/acknowledger.ts";
import "../channel/channel_end.ts";
import "../channel/chunks.ts";
import "../channel/connection.ts";
import "../channel/dial.ts";
import "../channel/frame_reader.ts";
import "../channel/greeting.ts";
import "../channel/held_ends.ts";
import "../channel/hold.ts";
import "../channel/hub.ts";
import "../channel/idleness.ts";
import "../channel/in_channel.ts";
import "../channel/in_channels.ts";
import "../channel/large_value.ts";
import "../channel/link.ts";
import "../channel/out_channel.ts";
import "../channel/out_channels.ts";
import "../channel/outbox.ts";
import "../channel/peer.ts";
import "../channel/pending.ts";
import "../channel/process_dialer.ts";
import "../channel/receiver.ts";
import "../channel/remote_end.ts";
import "../channel/select.ts";
import "../channel/send_line.ts";
import "../channel/sender.ts";
import "../channel/unclaimed.ts";
import "../channel/will_format.ts";
import "../codec/ready_buffer.ts";
import "../codec/value_buffers.ts";
import "../codec/value_classes.ts";
import "../codec/value_decoder.ts";
import "../codec/value_encoder.ts";
import "../codec/value_input.ts";
import "../codec/value_met.ts";
import "../codec/value_output.ts";
import "../codec/value_rejection.ts";
import "../codec/value_tags.ts";
import "../core/errors.ts";
import "../core/exit_status.ts";
import "../core/fifo.ts";
import "../core/logger.ts";
import "../core/options.ts";
import "../core/pid.ts";
import "../core/resources.ts";
import "../core/signals.ts";
import "../core/visible.ts";
import "../core/waits.ts";
import "../net/admission.ts";
import "../net/conversation.ts";
import "../net/deadlines.ts";
import "../net/delay.ts";
import "../net/protocol.ts";
import "../net/transport.ts";
import "../net/write_queue.ts";
import "../process/bootstrap.ts";
import "../process/current.ts";
import "../process/ending.ts";
import "../process/endings.ts";
import "../process/environment.ts";
import "../process/exits.ts";
import "../process/init.ts";
import "../process/node_link.ts";
import "../process/registry.ts";
import "../process/spawn.ts";
import "../process/wait.ts";
import "../process/wait_report.ts";
import "../wire/control.ts";
import "../wire/frame.ts";
import "../wire/message.ts";
import "../wire/plain_input.ts";
import "../wire/schema.ts";
