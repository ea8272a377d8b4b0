/** Tells errors of a machine, which lacks something, from errors of a program. Pure. */

/** The machine has no memory left, and what to do. */
export const NO_MEMORY = "no memory left: let it lend less, or end what else runs there";

/** What is missing, by the code of the system's error, and what to do. */
const FAULTS: Readonly<Record<string, string>> = {
  EMFILE:
    "too many open files: raise the limit where it is started (ulimit -n, or LimitNOFILE of a service)",
  ENFILE: "too many open files on the machine: raise fs.file-max",
  ENOSPC: "no space left on its disk: free some",
  EDQUOT: "the disk quota of its user is used up: free some space",
  EROFS: "its file system is read-only: name a folder that is writable",
  EIO: "its disk fails: replace it, or look into the system's log",
  EAGAIN:
    "too many processes: raise the limit of its user or control group (ulimit -u, pids.max, TasksMax)",
  ENOMEM: NO_MEMORY,
};

/** This machine lacks something, which is known before a call of the system fails. */
export class LackError extends Error {
  /** As in errors of the system. */
  readonly code: string;

  constructor(code: "EMFILE" | "EAGAIN") {
    super(`${FAULTS[code]}`);
    this.name = "LackError";
    this.code = code;
  }
}

/** The codes of errors as Deno writes them in messages: `(os error 24)`. Those that differ are of Linux. */
const NUMBERS: Readonly<Record<string, string>> = {
  5: "EIO",
  11: "EAGAIN",
  12: "ENOMEM",
  23: "ENFILE",
  24: "EMFILE",
  28: "ENOSPC",
  30: "EROFS",
  122: "EDQUOT",
};

const NUMBER = /\(os error (\d+)\)/;

/** What the machine lacks, and what to do, if that is why a call of the system failed. */
export function faultOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = (cause as Error & { readonly code?: unknown }).code;
    const known = typeof code === "string" ? code : NUMBERS[NUMBER.exec(cause.message)?.[1] ?? ""];
    if (known !== undefined && known in FAULTS) return FAULTS[known];
  }
  return undefined;
}

/** What Deno writes when it cannot start a thread, in its versions, and a shell when it cannot fork. */
const NO_THREADS =
  /unable to create worker threads|failed to spawn thread|Check failed: Start\(\)|Cannot fork/;

/** What a process writes that cannot listen: see `listenWithin()` of src/net/transport.ts. */
const NO_PORTS = /all ports from \d+ to \d+ are taken/;

/**
 * What the machine lacks, and what to do, if that is why a runtime ended before it came to the program, which only
 * its stderr tells.
 */
export function faultIn(stderr: string): string | undefined {
  if (NO_THREADS.test(stderr)) return FAULTS.EAGAIN;
  const ports = NO_PORTS.exec(stderr)?.[0];
  return ports && `${ports}: let its processes use more of them (fabric --ports)`;
}
