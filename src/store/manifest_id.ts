/** What files are called in a store: by their contents. */

import type { Manifest } from "../core/manifest.ts";
import { sha256OfText } from "./sha256.ts";

/** The name of the contents: equal for equal files, and for no others. 64 hex digits. */
export function manifestId(manifest: Manifest): Promise<string> {
  return sha256OfText([manifest.size, ...manifest.pieces].join("\n"));
}
