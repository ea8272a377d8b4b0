/** The error for a store that cannot do what it is for. */

import { messageOf } from "../core/errors.ts";

/** Files cannot be kept, or not be read. The message is one line that says what to do. */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
  }
}

/** The part of a system error's message that says what happened, without codes and paths. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotFound) return "no such file or folder";
  const text = messageOf(error);
  return (text.split("\n")[0] ?? "").replace(/ \(os error \d+\)/, "");
}
