/** The sockets of TCP as Linux lists them, in `/proc/net/tcp` and `tcp6`, and those of a process. Pure. */

/** One socket. Addresses, ports and the state are in hexadecimal. */
export interface SocketRow {
  readonly local: string;
  readonly peer: string;
  readonly state: string;
  /** The user whose it is. Of one that no process has open, some versions of Linux say root. */
  readonly uid: number;
  readonly inode: string;
}

/** The state of a socket that listens, and of a connection whose socket is open. */
export const LISTENS = "0A";
export const ESTABLISHED = "01";

/** The sockets in the text of such a file. */
export function parseSocketTable(text: string): SocketRow[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [, local, peer, state, , , , uid, , inode] = line.trim().split(/\s+/);
    if (local === undefined || peer === undefined) return [];
    if (state === undefined || inode === undefined) return [];
    return [{ local, peer, state, uid: Number(uid), inode }];
  });
}

/** A number as in such a file: a port has 4 digits, an IPv4 address 8. */
export function tableHex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

/** The inode of the socket that a link in `/proc/<pid>/fd` names; `undefined` if it names something else. */
export function inodeOfSocket(link: string): string | undefined {
  return /^socket:\[(\d+)\]$/.exec(link)?.[1];
}
