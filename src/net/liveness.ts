/**
 * After how long without a word one part of a cluster takes another one for lost.
 *
 * A cut network raises no error, so each side of a link says something every `heartbeatMs`, and counts
 * for how long it has heard nothing. All times are multiples of that one, and keep an order:
 *
 *     8 heartbeats   a node, or the bridge, gives up its master: a node ends what it hosts for it
 *    10 heartbeats   everybody else gives up: a master its node, a bridge deploy, a join its master …
 *    14 heartbeats   the bridge tells itself why the processes of a node are lost
 *
 * So when a network is cut, the processes of a node have ended before its master starts others in their
 * place: the node notices up to one heartbeat late, and one more is what it has to kill them. And the
 * master has told why they are lost before the bridge does, which knows less.
 */

/** The times of a cluster. All its parts should use the same. */
export interface LivenessOptions {
  /** Each side of a link says something at least so often. The others follow from it. */
  readonly heartbeatMs: number;
  /** Whoever works for the other side of a link gives it up after so long without a word. */
  readonly workerSilenceMs: number;
  /** Whoever does not gives the other side up after so long: {@linkcode workerSilenceMs} + 2 heartbeats. */
  readonly silenceMs: number;
  /**
   * How long the master has to tell why a node's processes are lost, before the bridge, whose link to
   * that node has ended, does: both notice up to two heartbeats apart, and as much for the way.
   */
  readonly newsMs: number;
}

/** The times that follow from how often something is said. */
export function livenessOf(heartbeatMs: number): LivenessOptions {
  return {
    heartbeatMs,
    workerSilenceMs: 8 * heartbeatMs,
    silenceMs: 10 * heartbeatMs,
    newsMs: 4 * heartbeatMs,
  };
}

/** Parts that reach each other within milliseconds: what is used unless something else is said. */
export const LOCAL_NETWORK: LivenessOptions = livenessOf(1_000);

/** Parts far from each other, whose packets may be lost for some seconds. */
export const WIDE_NETWORK: LivenessOptions = livenessOf(3_000);

/** Real parts in tests: a loss is noticed within 2.5 s, also where both cores are busy. */
export const TESTS: LivenessOptions = livenessOf(250);

const PRESETS: Readonly<Record<string, LivenessOptions>> = {
  local: LOCAL_NETWORK,
  wide: WIDE_NETWORK,
  tests: TESTS,
};

/**
 * The preset of that name, or {@linkcode LOCAL_NETWORK} if there is no name.
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

/** What one side of a link knows of the other one. */
export interface LinkState {
  /** When something came the last time, or when this side began to listen. */
  readonly heardMs: number;
  /** Whether the other side is being listened to: if not, its silence means nothing. */
  readonly listening: boolean;
  /** Whether this side has said something since the last heartbeat, or is still saying it. */
  readonly spoke: boolean;
}

/** What a side does at a heartbeat: gives the other one up, says that it is there, or neither. */
export function atHeartbeat(
  state: LinkState,
  nowMs: number,
  silenceMs: number,
): "lost" | "speak" | "nothing" {
  if (state.listening && nowMs - state.heardMs > silenceMs) return "lost";
  return state.spoke ? "nothing" : "speak";
}
