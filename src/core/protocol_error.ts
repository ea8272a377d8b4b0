/** The error for bytes from outside that are not what the protocol allows. */

/** A peer sent what is no message of the protocol; its connection is to be dropped. */
export class ProtocolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
  }
}
