/** Parses an address given as an argument, and says what is wrong with one that is not an address. */

import { type Address, DEFAULT_BRIDGE, parseAddress } from "../core/address.ts";
import { UsageError } from "../core/usage_error.ts";

/** A URL's scheme. */
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** An IPv6 host without brackets, with or without a port. */
const BARE_IPV6 = /^[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*$/i;

/** A host without a port. */
const HOST = /^(?:[^\s:@[\]/]+|\[[0-9a-f:.]+\])$/i;

/** How an address may be written. */
export interface AddressRules {
  /** Whether port 0 is allowed, which means any free port. */
  readonly anyPort: boolean;
  /** The usual port, for examples. @default 9999 */
  readonly port?: number;
}

/** Parses an address; `what` names the argument. @throws {UsageError} If it is none; in one line. */
export function addressArgument(
  text: string | undefined,
  what: string,
  { anyPort, port = 9999 }: AddressRules,
): Address {
  if (text === undefined) throw new UsageError(`${what} is missing; expected host:port`);
  const address = parseAddress(text);
  if (address === undefined) {
    throw new UsageError(`${what} is ${JSON.stringify(text)}${whyNoAddress(text, port)}`);
  }
  if (address.port === 0 && !anyPort) {
    throw new UsageError(`${what} is ${JSON.stringify(text)}; expected a port that is not 0`);
  }
  return address;
}

/** Parses the address of a bridge; `what` names where it is given. @throws {UsageError} If it is none. */
export function bridgeArgument(text: string, what: string): Address {
  return addressArgument(text, what, { anyPort: false, port: DEFAULT_BRIDGE.port });
}

/** Whether a text is meant as an address rather than as a path, although it may not be one. */
export function isMeantAsAddress(text: string): boolean {
  return parseAddress(text) !== undefined || SCHEME.test(text) || BARE_IPV6.test(text) ||
    text === "localhost" || /^\d+\.\d+\.\d+\.\d+$/.test(text) || /^\[[0-9a-f:.]+\]/i.test(text) ||
    /^[\w.-]+:\d+$/.test(text);
}

function whyNoAddress(text: string, port: number): string {
  const url = SCHEME.exec(text)?.[0];
  if (url !== undefined) {
    const host = text.slice(url.length).replace(/[/?#].*$/, "");
    const meant = parseAddress(host) === undefined ? `10.0.0.2:${port}` : host;
    return `, which is a URL; expected host:port, as in ${meant}`;
  }
  if (BARE_IPV6.test(text)) {
    return `; expected host:port, with an IPv6 host in brackets, as in [::1]:${port}`;
  }
  if (/^[^\s:]+:\d+$/.test(text)) return "; expected host:port, with a port of at most 65535";
  if (HOST.test(text)) return `, which has no port; expected host:port, as in ${text}:${port}`;
  return `; expected host:port, as in 10.0.0.2:${port}`;
}
