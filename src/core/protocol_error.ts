/** The error for input from outside that violates the protocol. */

/** A peer sent something that the protocol does not allow; its connection is to be dropped. */
export class ProtocolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProtocolError";
  }
}
