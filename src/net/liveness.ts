/**
 * After how much silence one part of a cluster considers another one lost.
 *
 * A cut network raises no error, so each side of a link sends a heartbeat every `heartbeatMs`, and measures
 * the silence of the other. All times are multiples of that one, in this order:
 *
 *  3 heartbeats   a process that cannot connect to one on another host, and its node, say so
 *  8 heartbeats   a node, or the bridge, gives up its master: a node ends what it hosts for it
 * 10 heartbeats   all others give up: a master its node, a bridge deploy, a join its master …
 * 30 heartbeats   deploy, or a node that hosts a run, has to reach the bridge again, after it has noticed
 *                 that their link is lost; and so long does the bridge wait for deploy, after it has noticed
 *                 the same
 * 30 heartbeats   a process that cannot connect to another one gives it up
 * 30 heartbeats   a master waits for a node that it lost while that was starting a process, to ask whether it has
 * 44 heartbeats   the bridge itself declares the processes of a node lost that does not come back
 *
 * A process that has stood still itself, for less than 10 heartbeats, has not read what came meanwhile: it reads for
 * a tenth of a heartbeat before it judges.
 *
 * So when a network is cut, the processes of a node have ended before its master starts others in their
 * place: the node notices up to one heartbeat late, and has one more to kill them. And the master reports
 * why they are lost before the bridge does, which knows less.
 */

/** How long a process tries to connect to one on another host. */
export interface Patience {
  /** After so long without a connection, the process and its node say so. */
  readonly sayMs: number;
  /** After so long, the other process counts as lost. */
  readonly giveUpMs: number;
}

/** The times of a cluster. All its parts should use the same. */
export interface LivenessOptions {
  /** Each side of a link sends something at least this often. The other times are derived from it. */
  readonly heartbeatMs: number;
  /** The side that works for the other gives it up after this much silence. */
  readonly workerSilenceMs: number;
  /** The other side gives up after this much: {@linkcode workerSilenceMs} + 2 heartbeats. */
  readonly silenceMs: number;
  /** As {@linkcode silenceMs}, as long as nothing depends on the link: the other side may only be busy. */
  readonly idleSilenceMs: number;
  /**
   * How long the master has to report why a node's processes are lost, before the bridge, whose link to
   * that node has ended, does: they notice up to two heartbeats apart, plus as much for transmission.
   */
  readonly newsMs: number;
  /** How long a lost connection of deploy or a node to the bridge, or of a master to a node, may take to be replaced. */
  readonly reconnectMs: number;
  /**
   * How long the bridge waits for a node to do that: {@linkcode reconnectMs}, from the end of the silence by
   * which the node may notice it later, and {@linkcode newsMs}.
   */
  readonly returnMs: number;
  /** That of processes. */
  readonly patience: Patience;
}

/** The times derived from the heartbeat interval. */
export function livenessOf(heartbeatMs: number): LivenessOptions {
  return {
    heartbeatMs,
    workerSilenceMs: 8 * heartbeatMs,
    silenceMs: 10 * heartbeatMs,
    idleSilenceMs: 30 * heartbeatMs,
    newsMs: 4 * heartbeatMs,
    reconnectMs: 30 * heartbeatMs,
    returnMs: (30 + 10 + 4) * heartbeatMs,
    patience: { sayMs: 3 * heartbeatMs, giveUpMs: 30 * heartbeatMs },
  };
}

/** Parts that reach each other within milliseconds: the default. */
export const LOCAL_NETWORK: LivenessOptions = livenessOf(1_000);

/** Parts far from each other, whose packets may be lost for some seconds. */
export const WIDE_NETWORK: LivenessOptions = livenessOf(3_000);

/** Real parts in tests: a loss is noticed within 2.5 s, also when both cores are busy. */
export const TESTS: LivenessOptions = livenessOf(250);

const PRESETS: Readonly<Record<string, LivenessOptions>> = {
  local: LOCAL_NETWORK,
  wide: WIDE_NETWORK,
  tests: TESTS,
};

/**
 * The preset of that name, or {@linkcode LOCAL_NETWORK} without a name.
 *
 * @throws {SyntaxError} If there is no such preset.
 */
export function livenessFrom(name: string | undefined): LivenessOptions {
  if (name === undefined || name === "") return LOCAL_NETWORK;
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset;
  const names = Object.keys(PRESETS).join(", ");
  throw new SyntaxError(`DEPLOY_LIVENESS is "${name}"; expected one of: ${names}`);
}

/** The state of the other side, as one side of a link knows it. */
export interface LinkState {
  /** When something last arrived, or when this side began to listen. */
  readonly heardMs: number;
  /** Whether the other side is being listened to: if not, its silence means nothing. */
  readonly listening: boolean;
  /** Whether this side has sent something since the last heartbeat, or is still sending. */
  readonly spoke: boolean;
  /** Whether this process has stood still since the last heartbeat: it has not read what came meanwhile. */
  readonly stood: boolean;
}

/**
 * The action at a heartbeat: give the other side up, send a heartbeat, or neither; or send one, and give the
 * other side up unless something is there to be read.
 */
export function atHeartbeat(
  state: LinkState,
  nowMs: number,
  silenceMs: number,
): "lost" | "look" | "speak" | "nothing" {
  const isSilent = state.listening && nowMs - state.heardMs > silenceMs;
  if (isSilent) return state.stood ? "look" : "lost";
  return state.spoke ? "nothing" : "speak";
}
