/** The error for a program that cannot be built. */

/** A program could not be built for shipping. The message is one line. */
export class BuildError extends Error {
  /** The unchanged output of the compiler; empty if another step failed. */
  readonly details: string;

  constructor(message: string, options: ErrorOptions & { details?: string } = {}) {
    super(message, options);
    this.name = "BuildError";
    this.details = options.details ?? "";
  }
}
