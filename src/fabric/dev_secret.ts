/** The secret of a `fabric dev`: made at each start, in a file that only this user can read. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import { UsageError } from "../core/usage_error.ts";
import { SecretError } from "../net/connect.ts";
import { devSecretPath } from "../cli/dev_secret.ts";
import { privateFolder } from "../store/private_folder.ts";
import { StoreError } from "../store/store_error.ts";

/**
 * Writes a secret where that of the cluster whose bridge or master listens at `address` is looked for, in place of one
 * that was left there. Disposing of the result removes the file, unless another `fabric dev` has replaced it.
 *
 * @throws {UsageError} If there is no folder for it.
 * @throws {SecretError} If it cannot be written, or others could read it.
 */
export async function keepDevSecret(text: string, address: Address): Promise<AsyncDisposable> {
  const path = devSecretPath(address, (name) => Deno.env.get(name), Deno.build.os);
  if (path === undefined) {
    throw new UsageError("there is no home folder for the secret; expected --secret-file FILE");
  }
  // Renamed, so that nobody reads half of it, and a file of somebody else is not written to.
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await privateFolder(dirname(path));
    await Deno.writeTextFile(draft, `${text}\n`, { createNew: true, mode: 0o600 });
    await Deno.rename(draft, path);
  } catch (cause) {
    if (cause instanceof StoreError) throw new SecretError(cause.message, { cause });
    throw new SecretError(`Cannot write a secret to ${path}: ${messageOf(cause)}`, { cause });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      try {
        if (await Deno.readTextFile(path) === `${text}\n`) await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}
