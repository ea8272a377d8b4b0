/** What a node keeps of a process, while it runs, for the record of its end. */

import type { ExitRecord } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { formatMem } from "../core/resources.ts";
import type { SpawnRequest } from "../core/roles.ts";
import { visibleLine } from "../core/visible.ts";
import type { UnreadChannel } from "../core/waits.ts";
import { isHeapFull } from "./heap_limit.ts";
import { OutputTail } from "./output_tail.ts";
import { UsageWatch } from "./usage_watch.ts";

export class ProcessRecord {
  readonly usage: UsageWatch;
  /** What its channels held, as it said last when it was about to end. */
  unread: readonly UnreadChannel[] = [];
  /** Why values that it had taken for another process did not get there; `undefined` if all did. */
  undelivered: string | undefined;
  readonly #tail = new OutputTail();
  readonly #heapBytes: number | undefined;

  /** `heapBytes` is the limit of its heap; `undefined` if that is V8's own. */
  constructor(osPid: number, heapBytes: number | undefined) {
    this.usage = new UsageWatch({ osPid });
    this.#heapBytes = heapBytes;
  }

  /** It has written this to stderr, or to both streams where they are one. */
  wrote(bytes: Uint8Array<ArrayBuffer>): void {
    this.#tail.add(bytes);
  }

  /** The record of its end; `exited` is how its OS process ended. */
  atEnd(exited: ExitStatus): ExitRecord {
    const { unread, undelivered } = this;
    return {
      ...this.usage.total(),
      lastLines: this.#tail.text(),
      ...("code" in exited ? { unread } : {}),
      ...(undelivered === undefined ? {} : { undelivered }),
    };
  }

  /**
   * For people, if V8 has ended it since its heap was full: what V8 writes then is long, and names no limit.
   *
   * @param asked What it is called, and what was asked for it.
   */
  fullHeap(
    pid: Pid,
    { name, resources }: Pick<SpawnRequest, "name" | "resources">,
    exited: ExitStatus,
  ): string | undefined {
    const isTrap = "signal" in exited && exited.signal === "SIGTRAP";
    if (!isTrap || !isHeapFull(this.#tail.text())) return undefined;
    const limit = this.#heapBytes === undefined
      ? "V8's own limit"
      : `limit ${formatMem(this.#heapBytes)}, for ${formatMem(resources.mem)} asked`;
    return `${shortPid(pid)} ${visibleLine(name)} ran out of JavaScript heap (${limit})`;
  }
}
