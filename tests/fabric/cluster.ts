/**
 * Clusters of real `fabric`s on this machine: each a separate OS process, on free ports.
 *
 * By default they run from source; with `compiled`, they are that executable.
 */

const FABRIC = new URL("../../fabric.ts", import.meta.url).pathname;

/** How long a part may take to be ready on a busy machine. */
const READY_MS = 60_000;

/** One `fabric`, and what it has said. */
export class Fabric implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, and all its output is there. */
  readonly ended: Promise<{ code: number; signal: Deno.Signal | null }>;
  readonly #child: Deno.ChildProcess;
  readonly #lines = { out: [] as string[], err: [] as string[] };
  #changed = Promise.withResolvers<void>();
  #over = false;

  /**
   * @param options.compiled The executable to run instead of `deno run -A fabric.ts`.
   * @param options.prefix What is put in front of the command, such as to have it run on another host.
   */
  constructor(
    args: readonly string[],
    options: {
      compiled?: string | undefined;
      prefix?: readonly string[];
      env?: Record<string, string>;
      cwd?: string;
    } = {},
  ) {
    const { compiled, prefix = [], env = {}, cwd } = options;
    const words = compiled === undefined ? [Deno.execPath(), "run", "-A", FABRIC] : [compiled];
    const [path, ...before] = [...prefix, ...words];
    const command = new Deno.Command(path!, {
      args: [...before, ...args],
      env: { DEPLOY_SECRET_FILE: "", DEPLOY_LOG: "", DEPLOY_FORMAT: "", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    this.#child = command.spawn();
    this.pid = this.#child.pid;
    const read = Promise.all([
      this.#read(this.#child.stdout, this.#lines.out),
      this.#read(this.#child.stderr, this.#lines.err),
    ]);
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      await read;
      this.#over = true;
      this.#change();
      return { code, signal };
    });
  }

  /** What it has written to stdout, in lines. */
  get out(): readonly string[] {
    return this.#lines.out;
  }

  /** What it has written to stderr, in lines. */
  get err(): readonly string[] {
    return this.#lines.err;
  }

  /** Resolves with the first line of `stream`, at or after `from`, that matches. */
  async line(
    pattern: RegExp,
    options: { stream?: "out" | "err"; from?: number; withinMs?: number } = {},
  ): Promise<RegExpExecArray> {
    const { stream = "err", from = 0, withinMs = READY_MS } = options;
    const deadline = AbortSignal.timeout(withinMs);
    const late = new Promise<void>((resolve) => {
      deadline.addEventListener("abort", () => resolve(), { once: true });
    });
    for (;;) {
      for (const line of this.#lines[stream].slice(from)) {
        const match = pattern.exec(line);
        if (match !== null) return match;
      }
      if (this.#over || deadline.aborted) {
        const said = [...this.#lines.out, ...this.#lines.err].join("\n");
        const how = this.#over ? "it ended" : "it took too long";
        throw new Error(`fabric never said ${pattern}: ${how}, having said:\n${said}`);
      }
      await Promise.race([this.#changed.promise, late]);
    }
  }

  /** Resolves with the address of a part, once that is ready. */
  async ready(
    part: "node" | "master" | "bridge",
    options: { from?: number } = {},
  ): Promise<string> {
    const match = await this.line(new RegExp(`^ready ${part} (\\S+)$`), {
      ...options,
      stream: "out",
    });
    return match[1]!;
  }

  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
  }

  /** Ends it, in order if it can, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), 10_000);
    await this.ended;
    clearTimeout(timer);
  }

  async #read(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
    let partial = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (partial + text).split("\n");
      partial = parts.pop()!;
      lines.push(...parts);
      this.#change();
    }
    if (partial !== "") lines.push(partial);
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** What a node of a cluster has, as `fabric master` is told it. */
export interface NodeSize {
  readonly mem: string;
  readonly cpu: number;
}

export interface ClusterOptions {
  /** The first one is the master's own. */
  readonly nodes?: readonly NodeSize[];
  /** A compiled `fabric`. */
  readonly compiled?: string | undefined;
  /** Arguments for each fabric. */
  readonly options?: readonly string[];
  readonly env?: Record<string, string>;
}

/** A running cluster: a master with its own node, and further nodes. */
export interface Cluster extends AsyncDisposable {
  /** Where to deploy to. */
  readonly bridge: string;
  readonly master: Fabric;
  /** The master's own node is the first one. */
  readonly addresses: readonly string[];
  /** The folders of their stores, in the same order; the bridge shares the master's. */
  readonly stores: readonly string[];
  /** The fabrics of the other nodes. */
  readonly nodes: readonly Fabric[];
  /** Starts one of the other nodes again, on its old address, after it has ended. */
  restart(index: number): Promise<Fabric>;
  /** Ends everything, in order. */
  stop(): Promise<void>;
}

const ROOMY: NodeSize = { mem: "16GiB", cpu: 16 };

/** Starts a cluster; resolves when every node is the master's and its bridge can be deployed to. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { nodes: sizes = [ROOMY, ROOMY, ROOMY], compiled, env = {} } = options;
  const folder = await Deno.makeTempDir({ prefix: "deploy-cluster-" });
  const start = (args: readonly string[], number: number): Fabric =>
    new Fabric([...args, "--store", `${folder}/${number}`, ...(options.options ?? [])], {
      compiled,
      env,
    });
  const [own, ...others] = sizes;
  const nodes = others.map((_, index) => start(["127.0.0.1:0"], index + 1));
  const addresses = await Promise.all(nodes.map((node) => node.ready("node")));
  const groups = others.flatMap(({ mem, cpu }, index) => [addresses[index]!, mem, String(cpu)]);
  const master = start(
    ["master", "127.0.0.1:0", own!.mem, String(own!.cpu), "bridge", "127.0.0.1:0", ...groups],
    0,
  );
  const address = await master.ready("master");
  const bridge = await master.ready("bridge");
  for (const name of [address, ...addresses]) {
    await master.line(new RegExp(`node ${name.replaceAll(/[.[\]]/g, "\\$&")} is there`));
  }
  const stop = async (): Promise<void> => {
    await Promise.all([master, ...nodes].map((fabric) => fabric[Symbol.asyncDispose]()));
    await Deno.remove(folder, { recursive: true });
  };
  return {
    bridge,
    master,
    addresses: [address, ...addresses],
    stores: sizes.map((_, number) => `${folder}/${number}`),
    nodes,
    restart: async (index) => {
      const fabric = nodes[index] = start([addresses[index]!], index + 1);
      await fabric.ready("node");
      return fabric;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
