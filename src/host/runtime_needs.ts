/** What a process whose permissions are limited may do nevertheless, since the runtime needs it. */

import type { Additions } from "../core/permissions.ts";
import { outgoingSocket } from "../net/transport.ts";

/** As of Deno 2.9, a Unix socket needs `--allow-net=unix:PATH`, which earlier ones do not understand. */
const HAS_UNIX_NET = !/^2\.[0-8]\./.test(Deno.version.deno);

/** The variables that a process reads to become one of a run, and to log. */
const VARIABLES = ["DEPLOY_PROCESS", "DEPLOY_LOG"];

/** Where the process finds its node and others, and they find it. */
export interface RuntimePlaces {
  /** The folder with the Unix sockets of the run on this host, with the node's and its own; `undefined` for none. */
  readonly sockets:
    | { readonly folder: string; readonly node: string; readonly own: string }
    | undefined;
  /** Where the node listens: an address, if it has no socket. */
  readonly control: string;
  /** The hosts whose address it listens at, which may be a name and its address; none: it has no TCP port. */
  readonly listensAt: readonly string[];
  /** Whether it is told which ports it may listen on, instead of any. */
  readonly hasPorts: boolean;
  /** The other hosts with processes of the run. */
  readonly peerHosts: readonly string[];
  /** Where it may leave a will; `null` for nowhere. */
  readonly willPath: string | null;
}

/** What the runtime needs in a process. */
export type RuntimeNeeds = Additions;

/**
 * What the runtime needs in a process, and nothing else: its sockets, its port, the hosts of other nodes, its will,
 * and its variables.
 *
 * @param hasUnixNet Whether a Unix socket needs `--allow-net=unix:PATH`.
 */
export function runtimeNeeds(
  { sockets, control, listensAt, hasPorts, peerHosts, willPath }: RuntimePlaces,
  hasUnixNet: boolean = HAS_UNIX_NET,
): RuntimeNeeds {
  const folders = sockets === undefined ? [] : [sockets.folder];
  const net = peerHosts.map(inBrackets);
  if (sockets === undefined) net.push(control);
  else if (hasUnixNet) {
    const { node, own } = sockets;
    net.push(...[node, own, outgoingSocket(own)].map((path) => `unix:${path}`));
  }
  // To listen on any port is to listen on port 0. Without sockets, those on this host connect by their ports.
  const isAnyPort = !hasPorts && sockets !== undefined;
  net.push(...listensAt.map((host) => `${inBrackets(host)}${isAnyPort ? ":0" : ""}`));
  return {
    read: folders,
    write: willPath === null ? folders : [...folders, willPath],
    net,
    env: VARIABLES,
  };
}

function inBrackets(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
