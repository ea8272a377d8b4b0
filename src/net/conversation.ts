/**
 * Questions and answers on one link: numbers the questions, and gives each answer to whoever asked.
 *
 * It knows no socket. Whoever owns the link hands it the answers, and tells it when the link has ended.
 */

import type { FailedMessage } from "../wire/control.ts";
import { ProtocolError } from "../core/protocol_error.ts";

/** A message that belongs to a question. */
export interface Numbered {
  readonly type: string;
  readonly request: number;
}

/** Messages before they have got their number; of a union, each of its messages. */
export type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;

/** For each type of question, the messages that answer it. */
type Table<Answers> = { readonly [Type in keyof Answers]: Numbered };

/** For each type of question, the types of message that answer it; `failed` may always come instead. */
export type AnswerTypes<Answers extends Table<Answers>> = {
  readonly [Type in keyof Answers]: readonly Answers[Type]["type"][];
};

/** How a question is asked. */
export interface AskOptions<Answer> {
  /**
   * Is given the answer as soon as it comes, before the next message of the link is looked at: for what
   * that message may be about.
   */
  readonly take?: (answer: Answer) => void;
  /** Is called for each message that tells of the question, and does not answer it yet. */
  readonly onNews?: () => void;
  /**
   * When it is aborted, `cancel` is sent, with the question's number. An answer comes all the same.
   */
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  /** The question's type. */
  readonly type: string;
  readonly answered: (answer: Numbered) => void;
  readonly onNews: (() => void) | undefined;
  readonly reject: (reason: Error) => void;
}

/** The questions of one side of a link, to the other side. */
export class Conversation<Question extends Numbered, Answers extends Table<Answers>> {
  readonly #answers: AnswerTypes<Answers>;
  readonly #send: (message: Question) => unknown;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #ended: Error | undefined;

  /** `send` puts a message on the link; what it returns is not looked at. */
  constructor(answers: AnswerTypes<Answers>, send: (message: Question) => unknown) {
    this.#answers = answers;
    this.#send = send;
  }

  /**
   * Asks. Resolves with the answer, also when that is `failed`: see `orThrow()`.
   *
   * @throws The reason given to {@linkcode Conversation.end}, if that has been called, or is called
   * before the answer comes.
   * @throws What `send` throws, if the question cannot be sent.
   */
  ask<Type extends Question["type"] & keyof Answers>(
    question: Unnumbered<Extract<Question, { type: Type }>> & { readonly type: Type },
    options: AskOptions<Answers[Type] | FailedMessage> = {},
  ): Promise<Answers[Type] | FailedMessage> {
    type Answer = Answers[Type] | FailedMessage;
    const { take, onNews, signal } = options;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const request = this.#count++;
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
   * @throws {ProtocolError} If nobody asked for it. The link is to be ended then.
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
   * Takes a message that tells of a question, and does not answer it.
   *
   * @throws {ProtocolError} If there is no such question. The link is to be ended then.
   */
  news(message: Numbered): void {
    this.#find(message).onNews?.();
  }

  /** Nothing is answered any more: what is pending, and all that is asked from now on, rejects so. */
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
