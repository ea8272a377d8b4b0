/** The TCP ports at which processes of this machine listen, as Linux tells of them. */

import { inodeOfSocket, LISTENS, parseSocketTable } from "../core/socket_table.ts";
import { isGoneOrForbidden, readIfThere } from "./os_processes.ts";

/** The addresses at which a process listens, as `127.0.0.1:8000`. It is empty on other systems than Linux. */
export async function listeningPorts(id: number): Promise<string[]> {
  const inodes = await socketInodes(id);
  if (inodes.size === 0) return [];
  // Its own view: it may be in another network namespace.
  const tables = ["tcp", "tcp6"].map((name) => readIfThere(`/proc/${id}/net/${name}`));
  return (await Promise.all(tables)).flatMap((text) => parseListening(text, inodes)).sort();
}

/** The addresses of the listening sockets among `inodes` in the text of `/proc/net/tcp` or `tcp6`. */
export function parseListening(text: string, inodes: ReadonlySet<string>): string[] {
  return parseSocketTable(text)
    .filter(({ state, inode }) => state === LISTENS && inodes.has(inode))
    .map(({ local }) => parseAddress(local));
}

/** An address in hexadecimal, as text. Each 32 bits of it are in the byte order of this machine. */
export function parseAddress(local: string): string {
  const [hex = "", port = ""] = local.split(":");
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [...new Uint8Array(new Uint32Array([value]).buffer)];
  });
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join(".")}:${number}`;
  const groups = Array.from(
    { length: 8 },
    (_, index) => (bytes[2 * index]! * 256 + bytes[2 * index + 1]!).toString(16),
  );
  // A URL shows it in the usual form, with zeros left out.
  return `${new URL(`http://[${groups.join(":")}]`).hostname}:${number}`;
}

/** The inodes of a process's open sockets. */
export async function socketInodes(id: number): Promise<Set<string>> {
  const inodes = new Set<string>();
  try {
    for await (const { name } of Deno.readDir(`/proc/${id}/fd`)) {
      const inode = inodeOfSocket(await linkIfThere(`/proc/${id}/fd/${name}`));
      if (inode !== undefined) inodes.add(inode);
    }
  } catch (error) {
    if (!isGoneOrForbidden(error)) throw error;
  }
  return inodes;
}

/** Empty if the file was closed meanwhile. */
async function linkIfThere(path: string): Promise<string> {
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (isGoneOrForbidden(error)) return "";
    throw error;
  }
}
