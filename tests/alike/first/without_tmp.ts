// Without a folder for temporary files, too, what was sent before Deno.exit arrives.
import delivered, { prints } from "../programs/delivered.ts";

export { prints };
export default delivered;
