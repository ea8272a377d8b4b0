/** A program that was offered to a bridge, while its files arrive. */

import type { Manifest } from "../core/manifest.ts";
import { ProtocolError } from "../core/errors.ts";
import type { FetchPieces, Store, StoredFiles } from "../store/store.ts";
import { type BridgeToDeploy, MAX_PIECES } from "../wire/run_messages.ts";
import { decodeRunSpec, manifestsOf, type RunSpec } from "../wire/run_spec.ts";
import { RequestedPieces } from "./requested_pieces.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is needed to receive a program. */
export interface OfferOptions {
  readonly store: Pick<Store, "ensure">;
  /** Asks deploy for pieces, possibly none; called once. */
  readonly need: (pieces: readonly string[]) => void;
  /** Gives up when aborted. */
  readonly signal: AbortSignal;
}

export class Offer {
  readonly encoded: Bytes;
  readonly spec: RunSpec;
  /** Resolves when all files are there. */
  readonly files: Promise<StoredFiles>;
  readonly #options: OfferOptions;
  #requested: RequestedPieces | undefined;

  /**
   * Begins to get the files. `encoded` is a `RunSpec`.
   *
   * @throws {ProtocolError} If it is not one.
   */
  constructor(encoded: Bytes, options: OfferOptions) {
    this.encoded = encoded;
    this.spec = decodeRunSpec(encoded);
    this.#options = options;
    this.files = this.#receive(manifestsOf(this.spec));
    this.files.catch(() => {}); // handled when the run begins, or when deploy is gone
  }

  /** Takes a piece. @throws {ProtocolError} If it was not requested. */
  async put(hash: string, bytes: Bytes): Promise<void> {
    if (!this.#requested?.has(hash)) throw new ProtocolError("a piece that was not requested");
    await this.#requested.put(hash, bytes);
  }

  /** From now on, what has arrived may be removed when room is needed. */
  async release(): Promise<void> {
    const files = await this.files.catch(() => undefined);
    await files?.release();
  }

  /** Asks deploy once for all pieces that the store lacks. */
  async #receive(manifests: readonly Manifest[]): Promise<StoredFiles> {
    const { store, need, signal } = this.#options;
    let asked = false;
    const fetch: FetchPieces = async (missing, put) => {
      asked = true;
      const pieces = this.#requested = new RequestedPieces(missing, put);
      need(missing);
      await this.#unlessGone(pieces.arrived);
    };
    const files = await store.ensure(manifests, fetch, signal);
    if (!asked) need([]);
    return files;
  }

  async #unlessGone(work: Promise<unknown>): Promise<void> {
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const { signal } = this.#options;
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      await Promise.race([work, gone]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

/** The messages that ask for these pieces; one at least. */
export function needMessages(
  pieces: readonly string[],
): Extract<BridgeToDeploy, { type: "need" }>[] {
  const messages: Extract<BridgeToDeploy, { type: "need" }>[] = [];
  let start = 0;
  do {
    const some = pieces.slice(start, start + MAX_PIECES);
    start += MAX_PIECES;
    messages.push({ type: "need", pieces: some, last: start >= pieces.length });
  } while (start < pieces.length);
  return messages;
}
