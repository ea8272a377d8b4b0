/** The resources of processes and machines: memory and CPU, their units, and their text forms. */

/**
 * The resources that a process requests from its node. What it starts itself, without `spawn`, counts as part of it.
 *
 * A node of a cluster enforces them, and so does a local run with `DEPLOY_ENFORCE=1`.
 */
export interface Resources {
  /**
   * Memory, in bytes. A process that uses more is killed: its status is
   * `{ killed: "memory: 131 MiB used, 100 MiB asked" }`. Each may use 64 MiB, whatever it asks for.
   */
  mem: number;
  /** CPU, in logical cores; 0.5 is half of one. It is its share where the CPU is short, and may use more where not. */
  cpu: number;
}

/** 1024 bytes. */
export const KiB: number = 1024;
/** 1024 KiB. */
export const MiB: number = 1024 * KiB;
/** 1024 MiB. */
export const GiB: number = 1024 * MiB;

/** The default resources of a process: 100 MiB and a 16th of a core. */
export const DEFAULT_RESOURCES: Readonly<Resources> = Object.freeze({
  mem: 100 * MiB,
  cpu: 1 / 16,
});

/** Bytes in each unit that {@linkcode parseMem} knows, by its lower-case name. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ["k", KiB],
  ["kib", KiB],
  ["kb", 1e3],
  ["m", MiB],
  ["mib", MiB],
  ["mb", 1e6],
  ["g", GiB],
  ["gib", GiB],
  ["gb", 1e9],
  ["t", 1024 * GiB],
  ["tib", 1024 * GiB],
  ["tb", 1e12],
]);

/**
 * Parses an amount of memory as people write it; returns bytes, rounded to a whole number.
 *
 * `KiB`, `MiB`, `GiB`, `TiB` (or just `K`, `M`, `G`, `T`) are powers of 1024; `kB`, `MB`, `GB`, `TB`
 * are powers of 1000; no unit means bytes. Upper or lower case, with or without a space.
 *
 * @throws {SyntaxError} If `text` is not an amount of memory; the message shows an example.
 *
 * @example
 * ```ts
 * import { parseMem } from "deploy";
 *
 * console.log(parseMem("1.5 GB")); // 1500000000
 * ```
 */
export function parseMem(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : UNITS.get((match[2] ?? "").toLowerCase());
  const bytes = match === null || unit === undefined ? NaN : Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(bytes)) {
    throw new SyntaxError(
      `Cannot read ${JSON.stringify(text)} as an amount of memory: ` +
        `write a number and a unit, such as "100 MiB", "1.5 GB" or "512"`,
    );
  }
  return bytes;
}

/** `131 MiB`: bytes for people, in the largest unit that gives at least 1. */
export function formatMem(bytes: number): string {
  const units = [[GiB, "GiB"], [MiB, "MiB"], [KiB, "KiB"]] as const;
  for (const [size, name] of units) {
    const amount = bytes / size;
    // Three digits, but 1023 MiB is not rounded to 1020.
    const shown = amount >= 100 ? Math.round(amount) : Number(amount.toPrecision(3));
    if (amount >= 1) return `${shown} ${name}`;
  }
  return `${bytes} B`;
}

/** `1 core`, `0.5 cores`: cores for people. */
export function formatCpu(cores: number): string {
  return cores === 1 ? "1 core" : `${Number(cores.toPrecision(4))} cores`;
}

/** Why `resources` cannot be requested, or `undefined` if they can. */
export function invalidResource(resources: Resources): string | undefined {
  for (const name of ["mem", "cpu"] as const) {
    const value: unknown = resources[name];
    // Written this way so that NaN fails too.
    if (typeof value !== "number" || !(value >= 0) || value === Infinity) {
      const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
      return `${name} is ${shown}, must be a finite number and at least 0`;
    }
  }
  return undefined;
}

/** Fills in missing and `undefined` parts from `defaults`. */
export function resolveResources(
  given: Partial<Resources> | undefined,
  defaults: Readonly<Resources> = DEFAULT_RESOURCES,
): Resources {
  return { mem: given?.mem ?? defaults.mem, cpu: given?.cpu ?? defaults.cpu };
}

/**
 * Parses `mem=1GiB,cpu=2`, the form of `DEPLOY_RESOURCES`; either part may be missing.
 *
 * @throws {SyntaxError} If `text` has another form. The amounts are not checked: use
 * {@linkcode invalidResource}.
 */
export function parseResources(text: string): Partial<Resources> {
  const found: Partial<Resources> = {};
  for (const part of text.split(",")) {
    if (part.trim() === "") continue;
    const [name, value, ...rest] = part.split("=").map((side) => side.trim());
    const cpu = value === undefined || value === "" ? NaN : Number(value);
    if (
      rest.length > 0 || value === undefined || (name !== "mem" && name !== "cpu") ||
      (name === "cpu" && Number.isNaN(cpu))
    ) {
      throw new SyntaxError(
        `Cannot read ${JSON.stringify(text)} as resources: write "mem=1GiB,cpu=2"`,
      );
    }
    found[name] = name === "mem" ? parseMem(value) : cpu;
  }
  return found;
}
