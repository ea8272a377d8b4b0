/** A cluster on loopback, of real `fabric` processes, for one test. */

import { parseMem } from "../core/resources.ts";
import { writeNewSecret } from "../fabric/secret_file.ts";
import { Chaos, type ChaosOptions, resolveChaos } from "./chaos.ts";
import { FabricProcess } from "./fabric_process.ts";
import { checkNothingLeft } from "./leftovers.ts";
import { MARK_VARIABLE } from "./os_processes.ts";
import { pathOf } from "./paths.ts";
import { type ProgramOptions, ProgramRun } from "./program_run.ts";
import { TestNode } from "./test_node.ts";

const CLI = pathOf(new URL("../../cli.ts", import.meta.url));

const ANY_PORT = "127.0.0.1:0";

/** The size of a cluster. */
export interface TestClusterOptions {
  /** How many nodes, the master's own among them. @default 3 */
  readonly nodes?: number;
  /**
   * What each node lends, in bytes or as `parseMem` reads it. Nothing checks that the machine has it.
   * @default "16GiB"
   */
  readonly mem?: number | string;
  /** How many logical cores each node lends. Nothing checks that the machine has them. @default 16 */
  readonly cpu?: number;
  /** Variables of the `fabric` processes, besides those of the test. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program is deployed. */
export interface DeployOptions extends ProgramOptions {
  /** Memory of the first process, instead of what the program says at `init()`: bytes, or a text. */
  readonly mem?: number | string;
  /** Logical cores of the first process, instead of what the program says at `init()`. */
  readonly cpu?: number;
  /** Files and folders that are shipped, too: see `deploy --include`. @default none */
  readonly include?: readonly string[];
}

/**
 * A cluster on this machine: a master with its own node, further nodes and a bridge, each an OS process on
 * loopback, with a secret of its own. Any number can run at a time.
 *
 * Disposing of it ends the runs that are left, then the cluster, and checks that nothing is left of it.
 */
export class TestCluster implements AsyncDisposable {
  /** The address of the bridge: `127.0.0.1:40000`. */
  readonly bridge: string;
  /** The file with the cluster's secret, for `deploy --secret-file`. */
  readonly secretFile: string;
  /** The nodes. The first one is the master's own. */
  readonly nodes: readonly TestNode[];
  readonly #folder: string;
  readonly #mark: string;
  readonly #runs = new Set<ProgramRun>();
  readonly #chaos = new Set<Chaos>();
  #closed: Promise<void> | undefined;

  private constructor(
    parts: Pick<TestCluster, "bridge" | "secretFile" | "nodes">,
    folder: string,
    mark: string,
  ) {
    this.bridge = parts.bridge;
    this.secretFile = parts.secretFile;
    this.nodes = parts.nodes;
    this.#folder = folder;
    this.#mark = mark;
  }

  /**
   * Starts a cluster. Resolves when the master has every node, and its bridge can be deployed to.
   *
   * @throws {RangeError} If an option is out of its range.
   * @throws {SyntaxError} If `mem` cannot be read.
   * @throws {Error} If a part is not ready within 60 s: the message has what it said.
   */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { nodes: count = 3, mem = "16GiB", cpu = 16, env = {} } = options;
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`Cannot start a cluster of ${count} nodes: expected 1 or more`);
    }
    if (!(cpu > 0)) throw new RangeError(`Cannot start nodes with ${cpu} cores: must be above 0`);
    const size = [String(typeof mem === "string" ? parseMem(mem) : mem), String(cpu)];
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-testing-" }));
    const mark = crypto.randomUUID();
    const secretFile = `${folder}/secret`;
    const started: FabricProcess[] = [];
    const start = (args: readonly string[], index: number): FabricProcess => {
      const fabric = new FabricProcess(
        [...args, "--store", `${folder}/store-${index}`, "--secret-file", secretFile],
        { env: { ...env, TMPDIR: tmpOf(folder, index), [MARK_VARIABLE]: mark } },
      );
      started.push(fabric);
      return fabric;
    };
    try {
      await writeNewSecret(secretFile);
      for (let index = 0; index < count; index++) await Deno.mkdir(tmpOf(folder, index));
      const others = Array.from({ length: count - 1 }, (_, index) => start([ANY_PORT], index + 1));
      const addresses = await Promise.all(others.map((fabric) => fabric.ready("node")));
      const groups = addresses.flatMap((address) => [address, ...size]);
      const master = start(["master", ANY_PORT, ...size, "bridge", ANY_PORT, ...groups], 0);
      const own = await master.ready("master");
      const bridge = await master.ready("bridge");
      const adopted = async (address: string, from: number): Promise<void> => {
        const name = address.replaceAll(/[.[\]]/g, "\\$&");
        await master.line(new RegExp(`node ${name} is there`), { from });
      };
      for (const address of [own, ...addresses]) await adopted(address, 0);
      const nodes = others.map((fabric, index) =>
        new TestNode(index + 1, addresses[index]!, fabric, {
          start: () => start([addresses[index]!], index + 1),
          adopted: (from) => adopted(addresses[index]!, from),
          masterLine: () => master.err.length,
        })
      );
      nodes.unshift(new TestNode(0, own, master, undefined));
      return new TestCluster({ bridge, secretFile, nodes }, folder, mark);
    } catch (error) {
      await Promise.all(started.map((fabric) => fabric.stop()));
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }

  /**
   * One of the nodes, from 0.
   *
   * @throws {RangeError} If there is no such node.
   */
  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node !== undefined) return node;
    throw new RangeError(`There is no node ${index}: expected 0 to ${this.nodes.length - 1}`);
  }

  /**
   * Deploys a program, as `deploy <bridge> main.ts` does, and resolves when `deploy` has been started: what
   * becomes of it, also that it cannot be built, is told by {@linkcode ProgramRun.ended}. The project of the
   * program, its `deno.json`, is found as `deploy` finds it. Its processes have a variable `TEST_RUN_MARK`, by
   * which those that are left are found.
   *
   * @param program The main module.
   */
  async deploy(program: string | URL, options: DeployOptions = {}): Promise<ProgramRun> {
    const { args = [], env = {}, include = [], mem, cpu, cwd, stdin, timeoutMs } = options;
    const path = pathOf(program);
    const mark = `${this.#mark}/${crypto.randomUUID()}`;
    const folder = await Deno.makeTempDir({ prefix: "deploy-testing-" });
    const variables = { NO_COLOR: "1", ...env, [MARK_VARIABLE]: mark };
    const words = [
      ...["--format", "json", "--secret-file", this.secretFile],
      ...(mem === undefined ? [] : ["--mem", String(mem)]),
      ...(cpu === undefined ? [] : ["--cpu", String(cpu)]),
      ...include.flatMap((each) => ["--include", each]),
      ...Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`),
    ];
    const run: ProgramRun = new ProgramRun({
      path: Deno.execPath(),
      args: ["run", "--quiet", "-A", CLI, ...words, this.bridge, path, "--", ...args],
      env: { TMPDIR: folder, DEPLOY_SECRET_FILE: "", DEPLOY_BRIDGE: "", NO_COLOR: "1" },
      ...{ cwd, stdin, timeoutMs },
    }, { name: path, mark, folders: [folder], closed: () => this.#runs.delete(run) });
    this.#runs.add(run);
    return run;
  }

  /**
   * Begins to kill and freeze nodes, one after the other, as drawn from a seed: see {@linkcode Chaos}.
   *
   * @throws {RangeError} If an option is out of its range, or the cluster has no node but the master's own.
   * @example
   * ```ts ignore
   * await using cluster = await TestCluster.start({ nodes: 3 });
   * await using chaos = cluster.chaos({ faults: ["kill"] });
   * await using run = await cluster.deploy(new URL("./main.ts", import.meta.url));
   * const { code } = await run.ended;
   * if (code !== 0) throw new Error(`exit code ${code}`); // and the seed is printed
   * await chaos.stop();
   * ```
   */
  chaos(options: ChaosOptions = {}): Chaos {
    const settings = resolveChaos(options, this.nodes.length);
    const chaos: Chaos = new Chaos(settings, this.nodes, () => this.#chaos.delete(chaos));
    this.#chaos.add(chaos);
    return chaos;
  }

  /**
   * Ends the faults, the runs and the cluster, and looks for what is left of them.
   *
   * @throws {LeftoverError} If processes of the cluster or its runs are left 5 s after its end, or files in
   * the folders for temporary files of nodes that were not killed.
   * @throws {Error} If a node did not end within 10 s of being told to.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    await using stack = new AsyncDisposableStack();
    // These run in reverse order, and each runs even if another one fails.
    stack.defer(() => Deno.remove(this.#folder, { recursive: true }));
    stack.defer(() => this.#checkNothingLeft());
    stack.defer(() => this.#stopNodes());
    for (const run of this.#runs) stack.use(run);
    for (const chaos of this.#chaos) stack.use(chaos);
    // A frozen node could not end its processes of a run.
    const frozen = this.nodes.filter(({ state }) => state === "frozen");
    for (const node of frozen) stack.defer(() => node.thaw());
  }

  async #stopNodes(): Promise<void> {
    const inOrder = await Promise.all(this.nodes.map((node) => node.stop()));
    const late = this.nodes.filter((_, index) => !inOrder[index]).map(({ index }) => index);
    if (late.length === 0) return;
    throw new Error(`The cluster did not end within 10 s: node ${late.join(" and ")} was killed`);
  }

  async #checkNothingLeft(): Promise<void> {
    const whole = this.nodes.filter(({ wasKilled }) => !wasKilled);
    const folders = whole.map(({ index }) => tmpOf(this.#folder, index));
    await checkNothingLeft("The cluster", this.#mark, folders);
  }
}

/** The folder for temporary files of a node. */
function tmpOf(folder: string, index: number): string {
  return `${folder}/tmp-${index}`;
}
