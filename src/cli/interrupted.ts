/** What becomes of `deploy` when the user has had enough. */

/** Why something is not gone on with, and with which exit code `deploy` is to end. */
export class Interrupted extends Error {
  readonly code: number;

  constructor(code: number) {
    super("interrupted");
    this.code = code;
  }
}

/** Leaves nothing behind here; what runs elsewhere ends because the connection does. */
export function exitAtOnce(code: number, folder: string): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Something is being written there: then the folder is the system's to remove.
  }
  Deno.exit(code);
}
