/** Whether a port that a process says is its own is: others connect to it in its name, from where it perhaps may not. */

import { inodeOfSocket, LISTENS, parseSocketTable, tableHex } from "../core/socket_table.ts";
import { canReadUsage } from "./proc_usage.ts";

/** 127.0.0.1 in the text of `/proc/net/tcp`. */
const LOOPBACK = "0100007F";

/** Whether a process listens at that port of loopback; also where the system does not tell, or not this process. */
export function ownsPort(osPid: number, port: number): boolean {
  if (!canReadUsage()) return true;
  try {
    const inodes = listenersAt(port, Deno.readTextFileSync(`/proc/${osPid}/net/tcp`));
    for (const { name } of inodes.size === 0 ? [] : Deno.readDirSync(`/proc/${osPid}/fd`)) {
      if (inodes.has(socketOf(`/proc/${osPid}/fd/${name}`) ?? "")) return true;
    }
  } catch {
    // It has ended, or lets nobody look.
  }
  return false;
}

/** The inodes of the sockets that listen at a port of loopback, by the text of `/proc/net/tcp`. Pure. */
export function listenersAt(port: number, table: string): Set<string> {
  const own = `${LOOPBACK}:${tableHex(port, 4)}`;
  const listening = parseSocketTable(table)
    .filter(({ local, state }) => local === own && state === LISTENS);
  return new Set(listening.map(({ inode }) => inode));
}

/** The inode of the socket that a file descriptor is; `undefined` if it is none, or closed meanwhile. */
function socketOf(path: string): string | undefined {
  try {
    return inodeOfSocket(Deno.readLinkSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
