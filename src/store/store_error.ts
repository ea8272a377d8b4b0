/** The error of a store that cannot read or write files. */

import { messageOf } from "../core/errors.ts";

/** Files cannot be stored or read. The message is one line that says what to do. */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
  }
}

/** A system error's message without codes and paths. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotFound) return "no such file or folder";
  const text = messageOf(error);
  return (text.split("\n")[0] ?? "").replace(/ \(os error \d+\)/, "");
}
