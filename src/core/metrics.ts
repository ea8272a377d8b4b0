/** Measurements of a running part of a cluster, and their text in the format that Prometheus reads. */

/** Names and values that tell the samples of one metric apart. */
export type Labels = Readonly<Record<string, string>>;

/** One value of a metric. */
export interface Sample {
  /** @default none */
  readonly labels?: Labels;
  readonly value: number;
}

/** A metric: its name and unit follow Prometheus' conventions, such as `deploy_output_bytes_total`. */
export interface Metric {
  readonly name: string;
  /** What it measures, in one line. */
  readonly help: string;
  /** A `counter` only grows, until the part is started again; a `gauge` is as it is now. */
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

/** How many of the observed values were at most as large as each of some bounds. */
export interface Distribution {
  readonly name: string;
  readonly help: string;
  readonly type: "histogram";
  readonly of: Histogram;
}

/** From a millisecond to half an hour, for times in seconds. */
const SECONDS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60, 300, 1_800],
];

/** Observed values, counted by their size. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** For each bound, and for what is larger than all. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds In ascending order. */
  constructor(bounds: readonly number[] = SECONDS) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[found < 0 ? this.#bounds.length : found]!++;
    this.#sum += value;
  }

  /** The lines of its samples. */
  lines(name: string): string[] {
    let count = 0;
    const buckets = this.#counts.map((each, at) => {
      count += each;
      return line(`${name}_bucket`, {
        labels: { le: number(this.#bounds[at] ?? Infinity) },
        value: count,
      });
    });
    return [
      ...buckets,
      line(`${name}_sum`, { value: this.#sum }),
      line(`${name}_count`, { value: count }),
    ];
  }
}

/**
 * Metrics as text, by version 0.0.4 of Prometheus' exposition format. Samples of the same name are put
 * together, as that demands; the first of them gives the help. A metric without samples is left out.
 */
export function exposition(metrics: readonly (Metric | Distribution)[]): string {
  const byName = Map.groupBy(metrics, ({ name }) => name);
  return Array.from(byName, ([name, same]) => {
    const [{ help, type }] = same as [Metric];
    const samples = same.flatMap((each) =>
      each.type === "histogram"
        ? each.of.lines(name)
        : each.samples.map((sample) => line(name, sample))
    );
    if (samples.length === 0) return "";
    const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    return [`# HELP ${name} ${text}`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n");
  }).join("");
}

function line(name: string, { labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${number(value)}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function number(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}
