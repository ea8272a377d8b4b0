/** What one process asks of its node about other processes, and the answers: spawns, ends, kills. */

import { SpawnError } from "../core/errors.ts";
import type { Pid } from "../core/pid.ts";
import { KILL } from "../core/signals.ts";
import { failedMessage, type NodeMessage, type ProcessMessage } from "../wire/control.ts";
import type { Forgetting } from "./end_waits.ts";
import { carriedBytes, PendingQuestions } from "./pending_questions.ts";
import { spawnedPermissions } from "./program_permissions.ts";
import type { RunContext } from "./run_context.ts";

/** The messages with a request, or about one. */
export type ProcessRequest = Extract<
  ProcessMessage,
  { type: "spawn" | "cancel" | "wait" | "unreached" | "noticed" | "kill" }
>;

/** Whose requests they are, and who takes the answers. */
export interface ProcessRequestsOptions {
  readonly pid: Pid;
  /** What the process may do at most; `undefined`: what its program may. */
  readonly permissions: readonly string[] | undefined;
  readonly send: (answer: NodeMessage) => void;
}

export class ProcessRequests {
  readonly #context: RunContext;
  readonly #options: ProcessRequestsOptions;
  readonly #questions = new PendingQuestions();
  /** What it waits for, of the ends of others. */
  readonly #waits: Forgetting = new Set();
  /** Processes that this one is killing. */
  readonly #kills: Pid[] = [];

  constructor(context: RunContext, options: ProcessRequestsOptions) {
    this.#context = context;
    this.#options = options;
  }

  take(message: ProcessRequest): void {
    const { master, ends, sink } = this.#context;
    switch (message.type) {
      case "spawn":
        return this.#spawn(message);
      case "cancel":
        return this.#questions.cancel(message.request);
      case "wait": {
        const { request, pid } = message;
        return this.#questions.add(this.#answer(request, async () => {
          return { type: "ended", request, status: await ends.of(pid, this.#waits) };
        }));
      }
      case "unreached": {
        const { request, pid, why } = message;
        return this.#questions.add(this.#answer(request, async () => {
          const runs = await master.runs(pid);
          if (runs) this.#context.unreached?.(this.#options.pid, pid, why);
          return { type: "probed", request, runs };
        }));
      }
      case "noticed":
        return this.#questions.add(sink({ event: "noticed", pid: message.pid }));
      case "kill": {
        const { request, pid, signal, graceMs, descendants } = message;
        const how = signal === null ? KILL : { signal, graceMs };
        return this.#questions.add(this.#answer(request, async () => {
          this.#kills.push(pid);
          const pids = await master.kill(pid, { ...how, descendants })
            .finally(() => this.#kills.splice(this.#kills.indexOf(pid), 1));
          for (const each of pids) this.#notice(each);
          return { type: "killed", request };
        }));
      }
    }
  }

  /** Resolves when there is room for more requests; `undefined`: there is. */
  room(): Promise<void> | undefined {
    return this.#questions.room();
  }

  /** The process has ended: its spawns that wait for room are not needed any more, and nobody takes ends of others. */
  waitNoLonger(): void {
    for (const forget of this.#waits) forget();
    this.#questions.waitNoLonger();
  }

  /** Resolves when all spawns that are pending now are answered. */
  spawned(): Promise<void> {
    return this.#questions.spawned();
  }

  /** The process is gone: it has caused the ends of those that it was killing, although it did not wait for them. */
  noticeKills(): void {
    for (const pid of this.#kills) this.#notice(pid);
  }

  #spawn(message: Extract<ProcessRequest, { type: "spawn" }>): void {
    const { request, wait, function: fn, name, arg, resources, cwd, env } = message;
    const { pid: parent, permissions: own } = this.#options;
    const { master, sink, program } = this.#context;
    const waiting = new AbortController();
    let cancelled = false;
    const answered = this.#answer(request, async () => {
      // What a process spawns may do no more than it may itself.
      const permissions = message.permissions === undefined
        ? own
        : spawnedPermissions(program, own, message.permissions, `spawn ${fn}()`);
      const wanted = {
        ...{ parent, function: fn, name, arg, resources, cwd, env },
        ...permissions === undefined ? {} : { permissions },
      };
      const pid = await master.spawn(wanted, { wait, signal: waiting.signal });
      if (!cancelled) return { type: "spawned", request, pid };
      // It was started before the cancellation reached the placement or its node.
      void sink({ event: "noticed", pid });
      await master.kill(pid, { ...KILL, descendants: true });
      throw new SpawnError("lost", `Cannot spawn ${fn}(): it was cancelled`);
    });
    this.#questions.addSpawn(request, {
      answered,
      argBytes: arg.length,
      carriedBytes: carriedBytes(message),
      waitNoLonger: () => waiting.abort(),
      cancel: () => {
        cancelled = true;
        waiting.abort();
      },
    });
  }

  /** The program knows, or will know, how that process ended, so its failure is noticed. */
  #notice(pid: Pid): void {
    void this.#context.sink({ event: "noticed", pid });
  }

  async #answer(request: number, ask: () => Promise<NodeMessage>): Promise<void> {
    try {
      this.#options.send(await ask());
    } catch (error) {
      this.#options.send(failedMessage(request, error));
    }
  }
}
