/** The machine of a record. */

/** A machine and its load. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly os: string;
  readonly deno: string;
  /** The number of running and runnable processes, averaged over the last minute. */
  readonly load: number;
}

export function thisMachine(): Machine {
  return {
    cpu: cpuModel() ?? Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    memoryGib: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
    os: `${Deno.build.os} ${Deno.osRelease()}`,
    deno: Deno.version.deno,
    load: Deno.loadavg()[0] ?? NaN,
  };
}

function cpuModel(): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  return /^model name\s*: (.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1];
}
