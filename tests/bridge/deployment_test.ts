/** A deployment that is dropped while something is awaited: nothing of it begins afterwards, or stays. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Attachment, DeployLink } from "../../src/bridge/attachment.ts";
import { Deployment, type DeploymentContext } from "../../src/bridge/deployment.ts";
import type { MasterClient, RunNews } from "../../src/bridge/master_client.ts";
import { RunArchive } from "../../src/bridge/run_archive.ts";
import { SpawnError } from "../../src/core/errors.ts";
import type { Logger } from "../../src/core/logger.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { LOCAL_NETWORK } from "../../src/net/liveness.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import type { Store } from "../../src/store/store.ts";
import { StoreError } from "../../src/store/store_error.ts";
import {
  BRIDGE_TO_DEPLOY,
  type BridgeToDeploy,
  DEPLOY_TO_BRIDGE,
  type DeployToBridge,
} from "../../src/wire/run_messages.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";

const QUIET: Logger = { error() {}, warn() {}, about() {}, info() {}, debug() {} };

const SPEC = encodeRunSpec({
  kind: "executable",
  name: "main",
  main: "main",
  cwd: "",
  manifest: { size: 0, pieces: [] },
  args: [],
  env: {},
  tree: EMPTY_TREE,
});

/** What the bridge awaits on the way to a run, in order: before it is done, and after. */
const STEPS = [
  "the files are looked for",
  "the files have arrived",
  "the run is being listed",
  "the run is listed",
  "the trial boot is asked for",
  "the trial boot is done",
  "the first process is asked for",
] as const;

type Step = typeof STEPS[number];

/** Stops at one step until it is told to go on. */
class Gate {
  readonly reached = Promise.withResolvers<void>();
  readonly #go = Promise.withResolvers<void>();
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  async at(step: Step): Promise<void> {
    if (step !== this.#step) return;
    this.reached.resolve();
    await this.#go.promise;
  }

  go(): void {
    this.#go.resolve();
  }
}

/** The parts of the cluster that a deployment uses, and what it did to them. */
class Parts {
  held = 0;
  readonly opened: string[] = [];
  readonly ended = new Set<string>();
  readonly #gate: Gate;
  readonly #news = new Map<string, RunNews>();

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  get store(): Store {
    const ensure = async (): ReturnType<Store["ensure"]> => {
      await this.#gate.at("the files are looked for");
      this.held++;
      const release = () => Promise.resolve(void this.held--);
      await this.#gate.at("the files have arrived");
      return { paths: [], release, [Symbol.asyncDispose]: release };
    };
    return { ensure } as unknown as Store;
  }

  get master(): MasterClient {
    const master: Partial<MasterClient> = {
      over: false,
      open: (run, _key, news) => {
        this.opened.push(run);
        this.#news.set(run, news);
      },
      try: async () => {
        await this.#gate.at("the trial boot is asked for");
        await this.#gate.at("the trial boot is done");
        return DEFAULT_RESOURCES;
      },
      first: async (run) => {
        await this.#gate.at("the first process is asked for");
        const message = "Cannot start the first process: the run has ended";
        throw new SpawnError("lost", this.ended.has(run) ? message : "it was not ended");
      },
      end: (run) => {
        if (!this.ended.has(run)) this.#news.get(run)!.ended(0);
        this.ended.add(run);
      },
    };
    return master as MasterClient;
  }

  /** The archive, which stops before and after a run is listed. */
  async archive(folder: string): Promise<RunArchive> {
    const archive = await RunArchive.open({ folder, logger: QUIET });
    const begin = archive.begin.bind(archive);
    archive.begin = async (...args) => {
      await this.#gate.at("the run is being listed");
      const begun = await begin(...args);
      await this.#gate.at("the run is listed");
      return begun;
    };
    return archive;
  }
}

async function linkPair(): Promise<[DeployLink, MessageLink<DeployToBridge, BridgeToDeploy>]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    listener.accept(),
    Deno.connect({ port: listener.addr.port }),
  ]);
  return [
    new MessageLink<BridgeToDeploy, DeployToBridge>(near, { schema: DEPLOY_TO_BRIDGE }),
    new MessageLink<DeployToBridge, BridgeToDeploy>(far, { schema: BRIDGE_TO_DEPLOY }),
  ];
}

for (const step of STEPS) {
  Deno.test(`a deployment that is dropped when ${step} leaves nothing`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const gate = new Gate(step);
      const parts = new Parts(gate);
      const archive = await parts.archive(folder);
      const { store, master } = parts;
      const runs: DeploymentContext["runs"] = new Map();
      const [near, far] = await linkPair();
      const attachments = new Map<string, Attachment>();
      const rest = { liveness: LOCAL_NETWORK, logger: QUIET };
      const context = { store, master, runs, archive, attachments, ...rest };
      const offer = { type: "offer", spec: SPEC } as const;
      const caller = { remote: "here", invited: undefined };
      const served = new Deployment(near, caller, context).serve(offer, near.messages());
      const run = { name: "main", by: "me", resources: {}, graceMs: 0, detached: false };
      void far.send({ type: "run", ...run });
      await gate.reached.promise;
      // From the last step on, a connection that only ends may be replaced by another one.
      if (step === STEPS.at(-1)) await far.send({ type: "bye" });
      else far.drop();
      await near.ended;
      far.drop();
      gate.go();
      await served;
      assertEquals(parts.held, 0, "files are held");
      assertEquals([...parts.ended], parts.opened, "a run was opened, and not ended");
      const isEarly = STEPS.indexOf(step) < STEPS.indexOf("the run is being listed");
      if (isEarly) assertEquals(parts.opened, [], "a run was opened that nobody wanted");
      assertEquals(runs.size, 0, "a run is served");
      assertEquals(attachments.size, 0, "a place is held");
      assertEquals(archive.list(), [], "a run is listed");
      assertEquals(await Array.fromAsync(Deno.readDir(folder)), [], "a log is left");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a deployment that the bridge cannot store is refused with a reason that says whose folder it is", async () => {
  const [near, far] = await linkPair();
  const why = "Cannot store files in /store: No space left on device";
  const store: Partial<Store> = { ensure: () => Promise.reject(new StoreError(why)) };
  const parts: Partial<DeploymentContext> = { store: store as Store, logger: QUIET };
  const master: Partial<MasterClient> = { over: false };
  const context = { ...parts, master } as DeploymentContext;
  const caller = { remote: "here", invited: undefined };
  const offer = { type: "offer", spec: SPEC } as const;
  const served = new Deployment(near, caller, context).serve(offer, near.messages());
  const run = { name: "main", by: "me", resources: {}, graceMs: 0, detached: false };
  void far.send({ type: "run", ...run });
  for await (const message of far.messages()) {
    assertEquals(message, {
      type: "refused",
      why: `The bridge cannot take the program: ${why}`,
      output: new Uint8Array(),
    });
    break;
  }
  far.drop();
  await served;
});
