/** Network addresses as people write them: `host:port`, with IPv6 hosts in brackets. */

/** The address of a listener. */
export interface Address {
  /** The host without brackets. */
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
}

/** The default address of a bridge: that of `fabric dev` on this machine. */
export const DEFAULT_BRIDGE: Address = { host: "127.0.0.1", port: 8888 };

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:@[\]/]+)):(\d{1,5})$/;

/** Reads `10.0.0.2:9999` or `[::1]:9999`; `undefined` for anything else. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2];
  const port = Number(match[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** The host of such an address; any other text unchanged. */
export function hostOf(text: string): string {
  return parseAddress(text)?.host ?? text;
}

/** The hosts of such addresses, each once. */
export function hostsOf(addresses: Iterable<string>): string[] {
  return [...new Set(Iterator.from(addresses).map(hostOf))];
}
