/**
 * A web server that hands requests to a pool of processes, and outlives them: a request that computes does
 * not hold up the others, one that takes too long is given up, and one that ends its process costs no more
 * than its own answer.
 *
 * With a port, it serves until Ctrl-C. Without one, it takes a free port, asks itself some things, and
 * stops.
 *
 *     deno task example web_server
 *     deno task example web_server 8000
 */

import { init } from "deploy";
import { Pool, PoolError, task } from "deploy/pool";
import { countArgument } from "./lib/arguments.ts";

const fibonacci = task("fibonacci", (n: number): number => {
  const at = (n: number): number => n < 2 ? n : at(n - 1) + at(n - 2);
  if (!(n >= 0)) throw new RangeError("n is not a number");
  return at(n);
});

const crash = task("crash", () => Deno.exit(3));

await init();

const port = countArgument(0, "port", 0);
const TIMEOUT_MS = 2_000;
await using pool = await Pool.start({ size: 2 });

async function answer({ url }: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(url);
  try {
    switch (pathname) {
      case "/fibonacci": {
        const n = Number(searchParams.get("n") ?? NaN);
        return Response.json(await pool.run(fibonacci, n, { timeoutMs: TIMEOUT_MS }));
      }
      case "/crash":
        return Response.json(await pool.run(crash, undefined));
      default:
        return text(404, "there are /fibonacci?n=30 and /crash");
    }
  } catch (error) {
    if (error instanceof RangeError) return text(400, error.message);
    if (error instanceof PoolError) {
      return text(502, `its process ended: ${JSON.stringify(error.status)}`);
    }
    if (error instanceof DOMException) return text(504, error.message);
    throw error;
  }
}

function text(status: number, body: string): Response {
  return new Response(`${body}\n`, { status });
}

const server = Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, answer);
const origin = `http://127.0.0.1:${server.addr.port}`;

if (port === 0) {
  await askItself();
  await server.shutdown();
} else {
  console.log(`serving ${origin}`);
  Deno.addSignalListener("SIGINT", () => server.shutdown());
}
await server.finished;

/** What a visitor would see. */
async function askItself(): Promise<void> {
  const ask = async (path: string) => {
    const response = await fetch(origin + path);
    console.log(`${path}: ${response.status} ${(await response.text()).trimEnd()}`);
  };
  await ask("/fibonacci?n=30");
  await ask("/fibonacci?n=many");
  // It would compute for a long time; the other process answers meanwhile.
  await Promise.all([ask("/fibonacci?n=100"), ask("/fibonacci?n=20")]);
  await ask("/crash");
  await ask("/fibonacci?n=10");
  await ask("/");
}
