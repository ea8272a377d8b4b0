/** SHA-256, fast for small and for large inputs. */

// @ts-types="../../types/std_encoding.d.ts"
import { encodeHex } from "@std/encoding/hex";

/**
 * Loading node:crypto takes as long as hashing this much with WebCrypto, which needs no loading
 * but takes five times as long for each byte.
 */
const WEB_CRYPTO_BYTES = 8 * 1024 * 1024;

type HexHash = (bytes: Uint8Array) => string;

let native: HexHash | undefined;
let hashedBytes = 0;

/** The hash of `bytes`, in 64 hex digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (native === undefined) {
    hashedBytes += bytes.length;
    if (hashedBytes <= WEB_CRYPTO_BYTES) {
      return encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    }
    native = await loadNative();
  }
  return native(bytes);
}

/** The hash of a text's UTF-8. */
export function sha256OfText(text: string): Promise<string> {
  return sha256(new TextEncoder().encode(text));
}

async function loadNative(): Promise<HexHash> {
  const { createHash } = await import("node:crypto");
  return (bytes) => createHash("sha256").update(bytes).digest("hex");
}
