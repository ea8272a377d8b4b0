/** A Linux control group, of version 1 or 2, for one process and all that it starts. */

import { type GroupFiles, SYSTEM_GROUPS } from "./control_group_files.ts";
import { type Place, type Places, placesIn } from "./control_group_places.ts";

/** The weight of one core: what Linux gives to a group by default. */
const CPU_SHARES = 1_024;
const CPU_WEIGHT = 100;

/** A process that asks for less, or for none, counts as one that asks for this share of a core. */
const MIN_CORES = 1 / 32;

/** How often a group is tried to be removed, and after how long first; then twice as long each time. */
const MAX_REMOVALS = 9;
const REMOVAL_MS = 10;

/** The group of one process, and of all that the process starts. */
export class ControlGroup {
  readonly #memory: Place | undefined;
  readonly #cpu: Place | undefined;
  readonly #pids: Place | undefined;
  readonly #folders: readonly string[];
  readonly #files: GroupFiles;

  /** @param name Of its folders. */
  constructor(places: Places, name: string, files: GroupFiles = SYSTEM_GROUPS) {
    this.#files = files;
    const at = (place: Place | undefined) =>
      place && { version: place.version, folder: `${place.folder}/${name}` };
    this.#memory = at(places.memory);
    this.#cpu = at(places.cpu);
    this.#pids = at(places.pids);
    this.#folders = placesIn(places).map(({ folder }) => `${folder}/${name}`);
  }

  /** Makes the group. @throws {Error} If the system refuses. */
  async make(): Promise<void> {
    await Promise.all(this.#folders.map((folder) => this.#files.make(folder)));
  }

  /**
   * Moves a process into the group. It counts for the group from then on, and so does what it starts.
   *
   * This takes up to 20 ms, in which Linux waits for other cores, not this process.
   *
   * @throws {Error} If the process has ended, or the system refuses.
   */
  async enter(osPid: number): Promise<void> {
    for (const folder of this.#folders) await this.#files.write(folder, "cgroup.procs", osPid);
  }

  /** The files to which a process writes its id to enter the group by itself. */
  get entrances(): string[] {
    return this.#folders.map((folder) => `${folder}/cgroup.procs`);
  }

  /**
   * Sets how much memory the group may use.
   *
   * @throws {Error} If it uses more already, and the system cannot reclaim enough.
   */
  async limitMemory(bytes: number): Promise<void> {
    if (this.#memory === undefined) return;
    const { version, folder } = this.#memory;
    if (version === 1) {
      // Otherwise the system would swap what is over the limit. It refuses to make this limit lower than the other
      // one: if both are raised, this one comes first, and if both are lowered, last. Some systems have none.
      const limitSwap = () =>
        this.#files.write(folder, "memory.memsw.limit_in_bytes", bytes).catch(() => {});
      await limitSwap();
      await this.#files.write(folder, "memory.limit_in_bytes", bytes);
      await limitSwap();
      return;
    }
    await this.#files.write(folder, "memory.max", bytes);
    await this.#files.write(folder, "memory.oom.group", 1);
    await this.#files.write(folder, "memory.swap.max", 0).catch(() => {});
  }

  /** Sets the group's share of the CPU among other groups, where it is short. @throws {Error} If the system refuses. */
  async weighCpu(cores: number): Promise<void> {
    if (this.#cpu === undefined) return;
    await weigh(this.#cpu, Math.max(cores, MIN_CORES), this.#files);
  }

  /** Sets how many processes and threads there may be in the group. @throws {Error} If the system refuses. */
  async limitTasks(count: number): Promise<void> {
    if (this.#pids !== undefined) await this.#files.write(this.#pids.folder, "pids.max", count);
  }

  /**
   * Why Linux has refused the group another process or thread: at its own limit, or that of a group around it or of the
   * machine. `undefined` if it has not, or that is not limited.
   */
  taskRefusal(): "own" | "around" | undefined {
    if (this.#pids === undefined) return undefined;
    const read = (file: string) => this.#files.read(`${this.#pids!.folder}/${file}`) ?? "";
    // Version 1 counts what a group around it refuses, too.
    if (Number(/^max (\d+)$/m.exec(read("pids.events"))?.[1] ?? 0) === 0) return undefined;
    const most = Number.parseInt(read("pids.peak"));
    return most < Number.parseInt(read("pids.max")) ? "around" : "own"; // some systems have no peak
  }

  /** How often Linux has killed a process of the group for memory; `undefined` if that is not known. */
  memoryKills(): number | undefined {
    if (this.#memory === undefined) return undefined;
    const { version, folder } = this.#memory;
    const text = this.#files.read(
      `${folder}/${version === 1 ? "memory.oom_control" : "memory.events"}`,
    );
    const count = /^oom_kill (\d+)$/m.exec(text ?? "")?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /** The most memory that the group has used; `undefined` if that is not known. */
  peakBytes(): number | undefined {
    if (this.#memory === undefined) return undefined;
    const { version, folder } = this.#memory;
    const text = this.#files.read(
      `${folder}/${version === 1 ? "memory.max_usage_in_bytes" : "memory.peak"}`,
    );
    return text === undefined ? undefined : Number(text);
  }

  /**
   * Kills the processes that are left in the group, and removes it.
   *
   * @throws {Error} If processes are left that cannot be killed.
   */
  async remove(): Promise<void> {
    for (const folder of this.#folders) await this.#remove(folder);
  }

  async #remove(folder: string): Promise<void> {
    for (let count = 1;; count++) {
      try {
        return await this.#files.remove(folder);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return;
        if (count === MAX_REMOVALS) throw error;
      }
      killAll(this.#files.read(`${folder}/cgroup.procs`));
      const delayMs = REMOVAL_MS * 2 ** (count - 1);
      await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** Weighs a group by cores. Both files have bounds. */
export async function weigh(
  { version, folder }: Place,
  cores: number,
  files: GroupFiles,
): Promise<void> {
  const [file, value, most] = version === 1
    ? ["cpu.shares", cores * CPU_SHARES, 262_144] as const
    : ["cpu.weight", cores * CPU_WEIGHT, 10_000] as const;
  await files.write(folder, file, Math.min(Math.round(value), most));
}

function killAll(processes = ""): void {
  for (const line of processes.split("\n")) {
    // An id from another container is shown as 0.
    if (!(Number(line) > 1)) continue;
    try {
      Deno.kill(Number(line), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}
