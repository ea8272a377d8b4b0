/** Holds processes to the memory and CPU that they asked for, by whatever this system has for it. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import type { ControlGroup } from "./control_group.ts";
import { ControlGroups } from "./control_groups.ts";
import { judgeKill, judgeMemory, limitOf } from "./memory_limit.ts";
import { type Marked, Strays } from "./strays.ts";
import { canReadUsage, descendantsOf, readTreeShare, readTreeUsage } from "./proc_usage.ts";

/** How often the counters of a control group are read, for a child of a process that Linux has killed. */
const COUNTERS_MS = 1_000;

/**
 * How many processes and threads a process may have, with what it starts, where control groups can limit that. It is
 * for those that start others without end: a runtime has some twenty threads.
 */
const MAX_TASKS = 4_096;

/** How much lower the priority of programs is where the CPU is not shared by control groups. */
const NICE = 5;

/**
 * Reads `DEPLOY_ENFORCE`; `undefined` if it says nothing.
 *
 * @throws {SyntaxError} If it is neither `1` nor `0`.
 */
export function enforcesFrom(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "1" || text === "0") return text === "1";
  throw new SyntaxError(
    `Cannot use ${
      JSON.stringify(text)
    } as DEPLOY_ENFORCE: write 1 to hold processes to the memory and CPU ` +
      "that they ask for, or 0",
  );
}

/** What a node has to enforce limits. */
export interface EnforcementOptions {
  /** The most memory of a process that has not said yet what it needs. @default no limit */
  readonly mostBytes?: number;
  /** @default those of this system */
  readonly groups?: ControlGroups;
  /** Whether memory can be limited by looking. @default whether this system tells */
  readonly looks?: boolean;
}

/** What a node enforces. There is one for all runs of an OS process. */
export class Enforcement {
  /** How much lower the priority of a program is than that of this process; 0 if it is not lowered. */
  readonly nice: number;
  /** The most memory of a process that has not said yet what it needs. */
  readonly mostBytes: number;
  readonly #groups: ControlGroups;
  readonly #looks: boolean;
  readonly #logger: Logger;
  /** The groups that are being removed. */
  readonly #removals = new Set<Promise<void>>();
  /** The processes that are limited by looking. */
  readonly #watched = new Set<ProcessLimits>();
  readonly #strays = new Strays();
  #reported = false;

  private constructor(
    { groups, looks, logger, mostBytes }: Required<EnforcementOptions> & { logger: Logger },
  ) {
    this.mostBytes = mostBytes;
    this.#groups = groups;
    this.#looks = looks;
    this.#logger = logger;
    this.nice = groups.version("cpu") === undefined ? NICE : 0;
  }

  /** Finds out what this system has. */
  static async start(logger: Logger, options: EnforcementOptions = {}): Promise<Enforcement> {
    const { groups = await ControlGroups.open(), looks = canReadUsage() } = options;
    const { mostBytes = Number.MAX_SAFE_INTEGER } = options;
    return new Enforcement({ groups, looks, logger, mostBytes });
  }

  /** Says what is enforced, and by what, in one line; only the first call does. */
  report(): void {
    if (this.#reported) return;
    this.#reported = true;
    const [memory, cpu] = [this.#groups.version("memory"), this.#groups.version("cpu")];
    const by = (version: 1 | 2) => `by control groups (version ${version})`;
    if (memory === undefined && !this.#looks) {
      return this.#logger.warn(
        "the memory of processes is not limited to what they ask for: this needs Linux, with control groups " +
          "that this user may make or with /proc, and all permissions (-A)",
      );
    }
    this.#logger.info(
      `processes are held to what they ask for: memory ${
        memory === undefined ? "by looking at /proc" : by(memory)
      }, CPU ${cpu === undefined ? "by a lower priority than this process" : by(cpu)}, ${
        this.#groups.version("pids") === undefined
          ? "the number of their threads not at all"
          : `and each to ${MAX_TASKS} threads`
      }`,
    );
  }

  /**
   * The limits of another process.
   *
   * @param marked What all that it starts is marked with. @default nothing: what leaves it is not counted by looking
   */
  next(marked?: Marked): ProcessLimits {
    return new ProcessLimits({
      strays: marked === undefined ? () => [] : () => this.#strays.of(marked),
      group: this.#groups.next(),
      inGroup: this.#groups.version("memory") !== undefined,
      looks: this.#looks,
      logger: this.#logger,
      watched: this.#watched,
      remove: (removal) => {
        this.#removals.add(removal);
        void removal.finally(() => this.#removals.delete(removal));
      },
    });
  }

  /** Resolves when the groups of processes that have ended are removed. */
  async idle(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Removes what is left, once all processes have ended. */
  close(): void {
    this.#groups.close();
  }
}

type Asked = Pick<Resources, "mem"> & Partial<Resources>;

interface LimitsOptions {
  readonly group: ControlGroup;
  /** Whether the group limits memory. */
  readonly inGroup: boolean;
  readonly looks: boolean;
  readonly logger: Logger;
  /** All processes of the node that are limited by looking. */
  readonly watched: Set<ProcessLimits>;
  readonly remove: (removal: Promise<void>) => void;
  /** The processes that it has started and that have left it, and maybe others that it has started. */
  readonly strays: () => number[];
}

/**
 * The limits of one process, and of all that it starts.
 *
 * A control group takes the process while it boots: that takes up to 20 ms, and nothing waits for it, unless it is
 * {@linkcode ProcessLimits.prepare}d. Linux
 * then kills it at its limit; where a child of it was killed instead, the rest is killed within a second.
 * Where there is no group, the process is looked at often enough.
 */
export class ProcessLimits {
  readonly #group: ControlGroup;
  readonly #looks: boolean;
  readonly #logger: Logger;
  readonly #watched: Set<ProcessLimits>;
  readonly #remove: (removal: Promise<void>) => void;
  readonly #strays: () => number[];
  #inGroup: boolean;
  #isMade = false;
  #osPid = 0;
  #kill: () => void = () => {};
  #asked: Asked | undefined;
  /** The memory that the group's limit is for. */
  #limitedBytes: number | undefined;
  /** The changes of the group, one after the other. */
  #changes: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** Why the process was killed. */
  #why: string | undefined;
  #starved = false;

  constructor(options: LimitsOptions) {
    this.#group = options.group;
    this.#inGroup = options.inGroup;
    this.#looks = options.looks;
    this.#logger = options.logger;
    this.#watched = options.watched;
    this.#remove = options.remove;
    this.#strays = options.strays;
  }

  /**
   * Prepares the group before the process is started, which then enters it by itself before anything else: so it can
   * start nothing outside of it.
   *
   * @returns The files to which it has to write its id.
   */
  async prepare(): Promise<readonly string[]> {
    this.#change(() => this.#make());
    await this.#changes;
    return this.#isMade ? this.#group.entrances : [];
  }

  /** The process has been started: `kill` kills it, with all that it has started. */
  began(osPid: number, kill: () => void): void {
    this.#osPid = osPid;
    this.#kill = kill;
    this.#change(async () => {
      if (!this.#isMade) await this.#make();
      await this.#group.enter(osPid);
      // What it has started meanwhile; usually there is nothing, since it has not even booted.
      if (this.#looks) {
        for (const id of descendantsOf(osPid)) await this.#group.enter(id).catch(() => {});
      }
    });
    this.#look();
  }

  /**
   * Sets what the process has asked for; until then it has no limits. Without `cpu`, its share of the CPU is
   * that of one core.
   */
  set(asked: Asked): void {
    this.#asked = asked;
    if (this.#osPid === 0) return;
    this.#change(() => this.#apply());
    this.#look();
  }

  /** Whether the machine had no memory left for it, although it was within its limit. */
  get starved(): boolean {
    return this.#starved;
  }

  /** The process has ended. Returns why, if that was for memory. */
  ended(): string | undefined {
    this.#ended = true;
    this.#watched.delete(this);
    clearTimeout(this.#timer);
    this.#readCounters();
    const refusal = this.#group.taskRefusal();
    if (refusal !== undefined) {
      const limit = refusal === "own" ? `the limit of ${MAX_TASKS} threads` : "what is left here";
      this.#logger.warn(
        `OS process ${this.#osPid} and what it started reached ${limit}; Linux refused more`,
      );
    }
    const removal = this.#changes.then(() => this.#group.remove()).catch((error) => {
      this.#logger.debug(`cannot remove the control group of a process: ${messageOf(error)}`);
    });
    this.#remove(removal);
    return this.#why;
  }

  async #make(): Promise<void> {
    await this.#group.make();
    this.#isMade = true;
    await this.#group.limitTasks(MAX_TASKS);
    await this.#apply();
  }

  #change(change: () => Promise<void>): void {
    this.#changes = this.#changes.then(async () => {
      if (this.#ended) return;
      try {
        await change();
      } catch (error) {
        if (this.#ended) return; // the system refuses what is about a process that is gone
        this.#logger.debug(`cannot limit a process by its control group: ${messageOf(error)}`);
        this.#inGroup = false;
        this.#look();
      }
    });
  }

  async #apply(): Promise<void> {
    if (this.#asked === undefined) return;
    const { mem, cpu } = this.#asked;
    if (cpu !== undefined) await this.#group.weighCpu(cpu);
    if (this.#limitedBytes === mem) return; // it was booted for that
    await this.#group.limitMemory(limitOf(mem));
    this.#limitedBytes = mem;
  }

  /** Looks at the process, now and later. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#ended || this.#why !== undefined || this.#asked === undefined) return;
    const nextMs = this.#inGroup ? this.#lookAtCounters() : this.#lookAtProcess(this.#asked.mem);
    if (nextMs === undefined) return;
    this.#timer = setTimeout(() => this.#look(), nextMs);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** When to look again; `undefined` for never. */
  #lookAtCounters(): number | undefined {
    this.#readCounters();
    if (this.#why === undefined) return COUNTERS_MS;
    this.#kill();
  }

  #lookAtProcess(askedBytes: number): number | undefined {
    const strays = this.#looks ? this.#strays() : [];
    const used = this.#looks ? readTreeUsage(this.#osPid, strays)?.memBytes : undefined;
    if (used === undefined) return undefined;
    const processes = this.#watched.add(this).size;
    let verdict = judgeMemory(used, askedBytes, processes);
    if (verdict.kind === "over") {
      // What processes share was counted for each of them.
      verdict = judgeMemory(readTreeShare(this.#osPid, strays) ?? used, askedBytes, processes);
    }
    if (verdict.kind === "within") return verdict.nextMs;
    this.#why = verdict.why;
    this.#kill();
  }

  #readCounters(): void {
    if (this.#why !== undefined || this.#asked === undefined) return;
    if ((this.#group.memoryKills() ?? 0) === 0) return;
    const { mem } = this.#asked;
    const { why, starved } = judgeKill(this.#group.peakBytes(), mem);
    this.#why = why;
    this.#starved = starved;
  }
}
