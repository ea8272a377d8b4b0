/** What the open sockets of a process are, for who looks for the one that should not be there. */

import { parseSocketTable } from "../../src/core/socket_table.ts";
import { parseAddress, socketInodes } from "../../src/testing/listening_ports.ts";

/**
 * The sockets among `inodes` in the texts of `/proc/net/tcp` and `/proc/net/unix`, sorted: the addresses of both ends
 * and the state in the kernel's number (`01` is established, `08` that the peer has ended it), or a path.
 */
export function describeSockets(inodes: ReadonlySet<string>, tcp: string, unix: string): string[] {
  const found = parseSocketTable(tcp)
    .filter(({ inode }) => inodes.has(inode))
    .map(({ local, peer, state }) => `${parseAddress(local)} - ${parseAddress(peer)} ${state}`);
  for (const line of unix.split("\n").slice(1)) {
    const [, , , , , , inode = "", path = "no path"] = line.trim().split(/\s+/);
    if (inodes.has(inode)) found.push(path);
  }
  return found.toSorted();
}

/** The open sockets of a process; Linux only. */
export async function socketsOf(osPid: number): Promise<string[]> {
  const inodes = await socketInodes(osPid);
  const read = (name: string) => Deno.readTextFileSync(`/proc/${osPid}/net/${name}`);
  return describeSockets(inodes, read("tcp"), read("unix"));
}
