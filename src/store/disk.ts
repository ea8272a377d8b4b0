/** The disk that a store is on. */

/** Its size, and what is free on it for this user. */
export interface Disk {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

/** What the system says of the disk with that path; `undefined` if it does not. */
export async function diskOf(path: string): Promise<Disk | undefined> {
  // Deno has no function of its own for this.
  const { statfs } = await import("node:fs/promises");
  try {
    const { bsize, blocks, bavail } = await statfs(path);
    return { sizeBytes: bsize * blocks, freeBytes: bsize * bavail };
  } catch {
    // Not every system, and not every file system, knows.
    return undefined;
  }
}

/** How much a store may keep that is not in use, if nobody says: half of the disk, and at most this. */
export const MAX_LIMIT_BYTES = 10 * 1024 ** 3;

/** The limit of a store on that disk. Pure. */
export function limitFor(disk: Disk | undefined): number {
  return Math.min(MAX_LIMIT_BYTES, disk === undefined ? Infinity : Math.floor(disk.sizeBytes / 2));
}
