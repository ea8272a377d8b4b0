/** Replaces a lost link to a bridge by another one: tries again and again, for some time. */

import { type Clock, pause } from "../net/clock.ts";
import { ConnectError } from "../net/connect.ts";
import type { MessageLink } from "../net/message_link.ts";
import type { BridgeToDeploy, DeployToBridge } from "../wire/run_messages.ts";

/** The link to a bridge. */
export type BridgeLink = MessageLink<DeployToBridge, BridgeToDeploy>;

/** The wait before the second attempt; the one before each later attempt is twice as long, up to the last. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

type Message = { type: string };

/** Says to people that a link is lost, and is being replaced. */
export function lostLine(bridge: string, why: string, limitMs: number): string {
  const seconds = limitMs / 1_000;
  return `deploy: lost the connection to the bridge at ${bridge}: ${why}; reconnecting for ${seconds} s`;
}

/** Says to people that it could not be replaced. */
export function gaveUpLine(bridge: string, why: string, limitMs: number): string {
  const seconds = limitMs / 1_000;
  return `deploy: no connection to the bridge at ${bridge} for ${seconds} s: ${why}; gave up`;
}

/** Says to people that it has been replaced. */
export const AGAIN_LINE = "deploy: connected again";

/** What is needed to reach a bridge again. */
export interface ReconnectOptions<Out extends Message, In extends Message, Type extends string> {
  /** @throws {ConnectError} If the bridge cannot be reached. */
  readonly dial: (signal: AbortSignal) => Promise<MessageLink<Out, In>>;
  /** The first message on the new link. */
  readonly hello: Out;
  /** The type of the answer with which the bridge goes on; another one is `refused`. */
  readonly answer: Type;
  /** How long to try. */
  readonly limitMs: number;
  readonly clock: Clock;
  /** Gives up when aborted. */
  readonly signal: AbortSignal;
}

/** A link on which the bridge goes on. */
export interface Resumed<Out extends Message, In extends Message, Answer> {
  readonly link: MessageLink<Out, In>;
  /** What comes on it, after the answer. */
  readonly messages: AsyncGenerator<In>;
  readonly answer: Answer;
}

/** What came of it: a link, or why there is none; `refused` if the bridge does not go on. */
export type Reconnected<Out extends Message, In extends Message, Type extends string> =
  | Resumed<Out, In, Extract<In, { readonly type: Type }>>
  | { readonly refused: string }
  | { readonly failed: string };

/** Tries to reach a bridge again, and again, until it answers or the time is up. */
export async function reconnect<Out extends Message, In extends Message, Type extends string>(
  options: ReconnectOptions<Out, In, Type>,
): Promise<Reconnected<Out, In, Type>> {
  const { clock, limitMs, signal } = options;
  const endMs = clock.now() + limitMs;
  const leftMs = (): number => endMs - clock.now();
  let last = "no answer";
  for (let pauseMs = FIRST_PAUSE_MS; leftMs() > 0 && !signal.aborted; pauseMs *= 2) {
    const outcome = await attempt(options, leftMs());
    if (outcome !== undefined && !("failed" in outcome)) return outcome;
    last = outcome?.failed ?? last;
    if (leftMs() <= 0) break;
    await pause(Math.min(pauseMs, LAST_PAUSE_MS, leftMs()), signal, clock);
  }
  return { failed: last };
}

/** Tries once, for that long; `undefined` if there was no answer. */
async function attempt<Out extends Message, In extends Message, Type extends string>(
  { dial, hello, answer: wanted, clock, signal: ended }: ReconnectOptions<Out, In, Type>,
  limitMs: number,
): Promise<Reconnected<Out, In, Type> | undefined> {
  const late = new AbortController();
  const cancel = clock.after(limitMs, () => late.abort());
  const signal = AbortSignal.any([late.signal, ended]);
  let link: MessageLink<Out, In> | undefined;
  const drop = (): void => link?.drop();
  signal.addEventListener("abort", drop);
  try {
    link = await dial(signal);
    const messages = link.messages();
    void link.send(hello);
    const { value: answer } = await messages.next();
    if (hasType(answer, wanted)) return { link, messages, answer };
    link.drop();
    if (isRefusal(answer)) return { refused: answer.why };
    return { failed: (await link.ended).message };
  } catch (error) {
    if (error instanceof ConnectError) return { failed: error.why };
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    cancel();
    signal.removeEventListener("abort", drop);
  }
}

function hasType<In extends Message, Type extends string>(
  message: In | undefined,
  type: Type,
): message is Extract<In, { readonly type: Type }> {
  return message?.type === type;
}

function isRefusal(message: Message | undefined): message is { type: "refused"; why: string } {
  return message?.type === "refused";
}
