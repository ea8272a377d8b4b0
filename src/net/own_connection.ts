/** Whether a connection on loopback comes from this user, by the sockets that Linux lists. */

import { ESTABLISHED, LISTENS, parseSocketTable, tableHex } from "../core/socket_table.ts";

/** One end of a connection, with an IPv4 address. */
export interface End {
  readonly hostname: string;
  readonly port: number;
}

/** Sockets of IPv6 may be connected to IPv4, too. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];

/** What precedes an IPv4 address among those of IPv6. */
const MAPPED = "0000000000000000FFFF0000";

/**
 * Whether the process at the other end is of this user, or root's, who can do everything in any case. True also if
 * this process is root's, whose browser is that of somebody else, and where the system does not tell.
 */
export async function isOwnConnection(
  { remoteAddr, localAddr }: Pick<Deno.TcpConn, "remoteAddr" | "localAddr">,
): Promise<boolean> {
  if (!mayLook()) return true;
  const own = Deno.uid();
  if (own === null || own === 0) return true;
  const table = await readTables();
  const user = userOfConnection(table, remoteAddr, localAddr);
  return user === undefined || user === own || user === 0;
}

/**
 * The user at the end `from` of a connection to `to`, by the text of such tables; `null` if it is nobody's any more: it
 * was closed, or reset, of which nothing is listed; `undefined` if the text does not even have the socket that listens
 * at `to`, so that it tells nothing. Pure.
 */
export function userOfConnection(table: string, from: End, to: End): number | null | undefined {
  const [client, server] = [endText(from), endText(to)];
  // There may be tens of thousands of others.
  const parts = [`:${tableHex(from.port, 4)} `, ` ${LISTENS} `];
  const lines = table.split("\n").filter((line) => parts.some((part) => line.includes(part)));
  const rows = parseSocketTable(["", ...lines].join("\n")).map((row) => ({
    ...row,
    local: withoutPrefix(row.local),
    peer: withoutPrefix(row.peer),
  }));
  if (!rows.some(({ local }) => local === server)) return undefined;
  const theirs = rows.find(({ local, peer, state }) =>
    local === client && peer === server && state === ESTABLISHED
  );
  return theirs?.uid ?? null;
}

/** As in the tables: `0100007F:1004`, with the bytes of the address in the order of the machine. */
function endText({ hostname, port }: End): string {
  const bytes = new Uint8Array(hostname.split(".").map(Number));
  const address = new DataView(bytes.buffer).getUint32(0, isLittleEndian());
  return `${tableHex(address, 8)}:${tableHex(port, 4)}`;
}

function isLittleEndian(): boolean {
  return new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
}

function withoutPrefix(end: string): string {
  return end.startsWith(MAPPED) ? end.slice(MAPPED.length) : end;
}

/** Whether this process has the permissions for that: Deno would prompt for them. */
function mayLook(): boolean {
  const needed = [{ name: "sys", kind: "uid" }, { name: "read" }] as const;
  return needed.every((each) => Deno.permissions.querySync(each).state === "granted");
}

/** The last reading that was begun, and the one that follows it, for all who have asked since. */
let last: Promise<string> = Promise.resolve("");
let next: Promise<string> | undefined;

/** The tables as they are after this call. They are read once for all who ask meanwhile. */
function readTables(): Promise<string> {
  return next ??= last = last.then(async () => {
    next = undefined;
    return (await Promise.all(TABLES.map(readTable))).join("");
  });
}

async function readTable(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return ""; // this system has none, or this process may not look
  }
}
