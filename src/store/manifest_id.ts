/** The ids of files in a store, which are made from their contents. */

import type { Manifest } from "../core/manifest.ts";
import { sha256OfText } from "./sha256.ts";

/** The id of the contents: equal for equal files only. 64 hex digits. */
export function manifestId(manifest: Manifest): Promise<string> {
  return sha256OfText([manifest.size, ...manifest.pieces].join("\n"));
}
