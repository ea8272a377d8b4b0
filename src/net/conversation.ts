/**
 * Requests and answers on one link: numbers the requests, and passes each answer to its caller.
 *
 * It uses no socket. The owner of the link passes it the answers, and tells it when the link has ended.
 */

import type { FailedMessage } from "../wire/control.ts";
import { ProtocolError } from "../core/errors.ts";

/** A message that belongs to a request. */
export interface Numbered {
  readonly type: string;
  readonly request: number;
}

/** Messages before they are numbered; distributes over a union. */
export type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;

/** For each type of request, the messages that answer it. */
type Table<Answers> = { readonly [Type in keyof Answers]: Numbered };

/** For each type of request, the types of its answers; `failed` is always allowed. */
export type AnswerTypes<Answers extends Table<Answers>> = {
  readonly [Type in keyof Answers]: readonly Answers[Type]["type"][];
};

/** The options of a request. */
export interface AskOptions<Answer> {
  /** Called with the request's number before it is sent. */
  readonly onNumber?: (request: number) => void;
  /**
   * Called with the answer as soon as it comes, before the next message of the link is handled, which may
   * refer to it.
   */
  readonly take?: (answer: Answer) => void;
  /** Called for each message about the request that does not answer it. */
  readonly onNews?: () => void;
  /**
   * When it is aborted, `cancel` is sent, with the request's number. An answer still comes.
   */
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  /** The request's type. */
  readonly type: string;
  readonly answered: (answer: Numbered) => void;
  readonly onNews: (() => void) | undefined;
  readonly reject: (reason: Error) => void;
}

/** The requests of one side of a link to the other. */
export class Conversation<Question extends Numbered, Answers extends Table<Answers>> {
  readonly #answers: AnswerTypes<Answers>;
  readonly #send: (message: Question) => unknown;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #ended: Error | undefined;

  /** `send` puts a message on the link; its result is ignored. */
  constructor(answers: AnswerTypes<Answers>, send: (message: Question) => unknown) {
    this.#answers = answers;
    this.#send = send;
  }

  /**
   * Sends a request. Resolves with the answer, also if that is `failed`: see `orThrow()`.
   *
   * @throws The reason given to {@linkcode Conversation.end}, if that is called before the answer comes.
   * @throws The error of `send`, if the request cannot be sent.
   */
  ask<Type extends Question["type"] & keyof Answers>(
    question: Unnumbered<Extract<Question, { type: Type }>> & { readonly type: Type },
    options: AskOptions<Answers[Type] | FailedMessage> = {},
  ): Promise<Answers[Type] | FailedMessage> {
    type Answer = Answers[Type] | FailedMessage;
    const { onNumber, take, onNews, signal } = options;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const request = this.#count++;
    onNumber?.(request);
    return new Promise((resolve, reject) => {
      const send = (message: Numbered) => this.#send(message as Question);
      const cancel = () => send({ type: "cancel", request });
      const settled = () => signal?.removeEventListener("abort", cancel);
      this.#pending.set(request, {
        type: question.type,
        onNews,
        answered: (answer) => {
          settled();
          take?.(answer as Answer);
          resolve(answer as Answer);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      });
      try {
        send({ ...question, request });
      } catch (error) {
        this.#pending.delete(request);
        throw error;
      }
      if (signal?.aborted === true) cancel();
      else signal?.addEventListener("abort", cancel);
    });
  }

  /**
   * Takes an answer.
   *
   * @throws {ProtocolError} If no such request is pending. The link has to be ended then.
   */
  answer(message: Answers[keyof Answers] | FailedMessage): void {
    const pending = this.#find(message);
    if (message.type !== "failed" && !this.#types(pending.type).includes(message.type)) {
      throw unasked(message);
    }
    this.#pending.delete(message.request);
    pending.answered(message);
  }

  /**
   * Takes a message about a request that does not answer it.
   *
   * @throws {ProtocolError} If there is no such request. The link has to be ended then.
   */
  news(message: Numbered): void {
    this.#find(message).onNews?.();
  }

  /** Ends the conversation: pending and future requests reject with this reason. */
  end(reason: Error): void {
    this.#ended ??= reason;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(this.#ended);
  }

  #types(question: string): readonly string[] {
    return this.#answers[question as keyof Answers];
  }

  #find(message: Numbered): Pending {
    const pending = this.#pending.get(message.request);
    if (pending === undefined) throw unasked(message);
    return pending;
  }
}

function unasked({ type }: Numbered): ProtocolError {
  return new ProtocolError(`a "${type}" message that answers no request`);
}
