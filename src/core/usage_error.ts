/** The error for wrong input from the user. */

/**
 * A bad argument, option, variable or configuration file. The message is one line: what is wrong, and
 * what was expected. The executables print it and exit with 2.
 */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
