/** Connects to the port in its arguments, writes 16 bytes, and ends: the child of `start_child.ts`. */

const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
await conn.write(new Uint8Array(16));
conn.close();
