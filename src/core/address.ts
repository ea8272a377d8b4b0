/** Network addresses as people write them: `host:port`, with IPv6 hosts in brackets. */

/** Where something listens. */
export interface Address {
  /** The host without brackets. */
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:@[\]/]+)):(\d{1,5})$/;

/** Reads `10.0.0.2:9999` or `[::1]:9999`; `undefined` for what is no address. */
export function parseAddress(text: string): Address | undefined {
  const match = ADDRESS.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2];
  const port = Number(match[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
