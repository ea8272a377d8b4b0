/**
 * Spans of OpenTelemetry, so that one trace goes on in other processes.
 *
 * Deno itself provides OpenTelemetry where `OTEL_DENO=true` is set, by the global that the package
 * `@opentelemetry/api` looks for. Where that is not set, there are no spans, and no costs.
 */

/** What of that package is used. */
interface Api {
  readonly trace: {
    getTracer(name: string): {
      startSpan(name: string, options: SpanOptions, context: Context): OpenSpan;
    };
  };
  readonly context: {
    active(): Context;
    with<T>(context: Context, run: () => T): T;
  };
  readonly propagation: {
    inject(context: Context, carrier: object, setter: { set: typeof set }): void;
    extract(context: Context, carrier: object, getter: typeof GETTER): Context;
  };
}

interface Context {
  setValue(key: symbol, value: unknown): Context;
}

interface OpenSpan {
  setAttribute(name: string, value: string): unknown;
  setStatus(status: { code: number; message: string }): unknown;
  recordException(error: unknown): void;
  end(): void;
}

/** Texts that carry the context of a span to another process: `traceparent`, and more if there is more. */
export type Carrier = Readonly<Record<string, string>>;

/** The side of a span, by the values of the package's `SpanKind`. */
export const enum SpanKind {
  /** Runs what a client waits for. */
  server = 1,
  /** Waits for a server. */
  client = 2,
  /** Starts something that may outlive it. */
  producer = 3,
  /** What a producer started. */
  consumer = 4,
}

/** What a span is. */
export interface SpanOptions {
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The package's `SpanStatusCode.ERROR`. */
const ERROR = 2;

/** The name of the tracer. */
const TRACER = "deploy";

/** Where the package has the API, and where a context has its span. */
const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

const GETTER = {
  get: (carrier: Carrier, key: string): string | undefined => carrier[key],
  keys: (carrier: Carrier): string[] => Object.keys(carrier),
};

function set(carrier: Record<string, string>, key: string, value: string): void {
  carrier[key] = value;
}

function findApi(): Api | undefined {
  const found = (globalThis as { [key: symbol]: Partial<Api> | undefined })[API];
  const isWhole = found?.trace !== undefined && found.context !== undefined &&
    found.propagation !== undefined;
  return isWhole ? found as Api : undefined;
}

/** A span that has begun. It has to be ended, by one of its last two methods. */
export class Span {
  readonly #api: Api;
  readonly #span: OpenSpan;
  readonly #context: Context;

  private constructor(api: Api, span: OpenSpan, context: Context) {
    this.#api = api;
    this.#span = span;
    this.#context = context;
  }

  /**
   * Begins a span; `undefined` where nothing is traced.
   *
   * @param parent Gives the context of its parent, which another process has; called only if there is a
   * span. @default the span of the caller
   */
  static begin(name: string, options: SpanOptions, parent?: () => Carrier): Span | undefined {
    const api = findApi();
    if (api === undefined) return undefined;
    const active = api.context.active();
    const outer = parent === undefined ? active : api.propagation.extract(active, parent(), GETTER);
    const span = api.trace.getTracer(TRACER).startSpan(name, options, outer);
    return new Span(api, span, outer.setValue(SPAN, span));
  }

  /** Its context, for another process. */
  get carrier(): Carrier {
    const carrier = {};
    this.#api.propagation.inject(this.#context, carrier, { set });
    return carrier;
  }

  /** Calls a function whose spans are in this one, also those that it begins later. */
  run<T>(fn: () => T): T {
    return this.#api.context.with(this.#context, fn);
  }

  set(name: string, value: string): void {
    this.#span.setAttribute(name, value);
  }

  end(): void {
    this.#span.end();
  }

  /** Ends it with an error. */
  fail(error: unknown): void {
    this.#span.recordException(error);
    this.#span.setStatus({
      code: ERROR,
      message: error instanceof Error ? error.message : `${error}`,
    });
    this.#span.end();
  }
}
