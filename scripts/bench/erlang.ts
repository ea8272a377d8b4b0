/** Erlang/OTP, if it is installed. */

import { Commanded } from "./commanded.ts";
import { peerPath } from "./deno_program.ts";
import { ARRAY_BYTES, ARRAYS, CALLS, ROUND_TRIPS } from "./programs/sizes.ts";
import { findTool, run } from "./tools.ts";

/** `peers/compare.erl`, running, with the name server that its nodes need. */
export class Erlang implements AsyncDisposable {
  readonly #held: AsyncDisposableStack;
  readonly #program: Commanded;

  private constructor(held: AsyncDisposableStack, program: Commanded) {
    this.#held = held;
    this.#program = program;
  }

  /** Compiles and starts it; gives `undefined` if Erlang is not on this machine. */
  static async find(): Promise<Erlang | undefined> {
    const names = ["erl", "erlc", "epmd"];
    const [erl, erlc, epmd] = await Promise.all(names.map(findTool));
    if (erl === undefined || erlc === undefined || epmd === undefined) return undefined;
    await using held = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "deploy-bench-" });
    held.defer(() => Deno.remove(folder, { recursive: true }));
    await run(erlc, ["-o", folder, peerPath("compare.erl")]);
    // One of our own: the usual one would go on after the benchmark.
    const port = String(freePort());
    const nameServer = new Deno.Command(epmd, { args: ["-port", port], stdin: "null" }).spawn();
    held.defer(async () => {
      nameServer.kill();
      await nameServer.status;
    });
    const sizes = [ROUND_TRIPS, ARRAYS, ARRAY_BYTES, CALLS.one, CALLS.many, CALLS.underWay];
    const main = `compare:main(${JSON.stringify(sizes.map(String))})`;
    const program = held.use(
      new Commanded(erl, {
        args: [
          ...["-noshell", "-pa", folder, "-eval", main],
          ...["-name", `compare-${Deno.pid}@127.0.0.1`, "-setcookie", crypto.randomUUID()],
        ],
        env: { ERL_EPMD_PORT: port },
      }),
    );
    return new Erlang(held.move(), program);
  }

  /** Measures what a clause of its function `measure` does. */
  measure(what: string): Promise<number> {
    return this.#program.ask(what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
