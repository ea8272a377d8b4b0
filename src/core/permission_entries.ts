/** Entries of a list of permissions, such as `10.0.0.0/8` in `--allow-net=10.0.0.0/8`: which of two allows more. */

/** The names of all permissions. */
export const PERMISSION_NAMES = [
  "read",
  "write",
  "net",
  "env",
  "sys",
  "run",
  "ffi",
  "import",
] as const;

/** The name of a permission. */
export type PermissionName = typeof PERMISSION_NAMES[number];

/**
 * Whether an entry allows at least what another one does. In doubt it does not: two names of one host, or a name and
 * the path of a command, are different entries.
 *
 * @param cwd What relative paths are relative to.
 */
export function covers(name: PermissionName, wide: string, entry: string, cwd: string): boolean {
  switch (name) {
    case "read":
    case "write":
    case "ffi":
      return isBelow(absolute(entry, cwd), absolute(wide, cwd));
    case "net":
    case "import":
      return coversHost(hostOf(wide), hostOf(entry));
    case "env":
      return wide === entry || (wide.endsWith("*") && entry.startsWith(wide.slice(0, -1)));
    case "run":
    case "sys":
      return wide === entry;
  }
}

/** The absolute path, without `.` and `..`. */
function absolute(path: string, cwd: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

interface Host {
  /** In small letters; an IPv6 address in its brackets. */
  readonly host: string;
  /** `undefined`: every port. */
  readonly port: string | undefined;
}

function hostOf(entry: string): Host {
  const text = entry.toLowerCase();
  if (/^(?:unix|vsock):/.test(text)) return { host: entry, port: undefined };
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
  // What is no such entry covers nothing but itself.
  if (host === undefined) return { host: entry, port: undefined };
  return { host: host.replace(/\.$/, ""), port };
}

function coversHost(wide: Host, entry: Host): boolean {
  if (wide.port !== undefined && wide.port !== entry.port) return false;
  if (wide.host === entry.host) return true;
  if (wide.host.startsWith("*.")) return entry.host.endsWith(wide.host.slice(1));
  const network = networkOf(wide.host);
  const inner = networkOf(entry.host);
  if (network === undefined || inner === undefined || inner.bits < network.bits) return false;
  const size = 2 ** (32 - network.bits);
  return Math.floor(network.address / size) === Math.floor(inner.address / size);
}

interface Network {
  /** As a number of 32 bits. */
  readonly address: number;
  readonly bits: number;
}

/** The network of an IPv4 address, or of one with a number of bits: `10.0.0.0/8`. */
function networkOf(host: string): Network | undefined {
  const found = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(host);
  if (found === null) return undefined;
  const bytes = found.slice(1, 5).map(Number);
  const bits = found[5] === undefined ? 32 : Number(found[5]);
  if (bits > 32 || bytes.some((byte) => byte > 255)) return undefined;
  return { address: bytes.reduce((sum, byte) => 256 * sum + byte, 0), bits };
}
