/** The error for a program that cannot be built. */

/** A program cannot be made into something to ship. The message is one line. */
export class BuildError extends Error {
  /** What the compiler wrote, as it wrote it; empty if it was not the compiler that failed. */
  readonly details: string;

  constructor(message: string, options: ErrorOptions & { details?: string } = {}) {
    super(message, options);
    this.name = "BuildError";
    this.details = options.details ?? "";
  }
}
