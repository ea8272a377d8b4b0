/** Where `fabric dev` keeps the secret that it makes, and `deploy` and `fabric drain` of the same user find it. */

import type { Address } from "../core/address.ts";
import { formatAddress } from "../core/pid.ts";
import { cacheFolder } from "../store/cache_folder.ts";

/**
 * The path of the secret of the `fabric dev` whose bridge or master listens at that address: each cluster has one of
 * its own; `undefined` if the user has no home folder.
 */
export function devSecretPath(
  { host, port }: Address,
  variable: (name: string) => string | undefined,
  os: typeof Deno.build.os,
): string | undefined {
  const folder = cacheFolder(variable, os);
  const name = formatAddress(host === "localhost" ? "127.0.0.1" : host, port);
  // Not every file system takes all characters of an address in a name.
  return folder && `${folder}/dev/${name.replaceAll(/[^\w.-]/g, "_")}.secret`;
}
