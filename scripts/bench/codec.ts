/**
 * Compares the value codec with others: speed in both directions, size, and time to load.
 *
 * `deno run -A scripts/bench/codec.ts [--msgpackr=<specifier or file URL>] [--no-boot]`. Speeds are
 * ratios to ours: 2.00 takes twice as long. Candidates take turns; speeds are the best of several
 * rounds, loading times are medians. The others' readers of bytes give views of their input.
 */

// @ts-types="../../types/std_cli.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { type Bytes, type Candidate, loadCandidates } from "./codec_candidates.ts";

const ROUNDS = 12;
const BATCH_MS = 8;
const BOOT_ROUNDS = 21;

const record = (index: number): Record<string, unknown> => ({
  id: index,
  name: `worker ${index}`,
  tags: ["alpha", "beta", "gamma"],
  position: { x: index * 1.5, y: -index / 3 },
  active: index % 2 === 0,
});

const VALUES: Record<string, unknown> = {
  "{i,s}": { i: 12_345, s: "hello" },
  "16 B string": "0123456789abcdef",
  "number": 123_456,
  "1.4 kB nested": {
    type: "batch",
    created: 1_754_000_000_123,
    items: Array.from({ length: 13 }, (_, index) => record(index)),
    options: { retries: 3, timeoutMs: 2500, labels: { region: "eu-west", zone: null } },
  },
  "[3 numbers]": [1, 2, 3],
  "1000 integers": Array.from({ length: 1000 }, (_, index) => index * 7),
  "1000 doubles": Array.from({ length: 1000 }, (_, index) => index * 1.1),
  "1000 records": Array.from({ length: 1000 }, (_, index) => ({ id: index, name: `n${index}` })),
  "300 B string": "The quick brown fox jumps over it. ".repeat(9).slice(0, 300),
  "64 KiB bytes": new Uint8Array(65_536).fill(7),
  "1 MiB bytes": new Uint8Array(1 << 20).fill(7),
  "Map of 100": new Map(Array.from({ length: 100 }, (_, index) => [`key ${index}`, index])),
};

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Nanoseconds of one call, measured over about `BATCH_MS`. */
function time(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let call = 0; call < calls; call++) run();
  return (performance.now() - start) * 1e6 / calls;
}

/** The best of interleaved rounds, in ns: other load only ever adds. NaN for a candidate that is left out. */
function compare(runs: readonly ((() => unknown) | undefined)[]): number[] {
  const calls = runs.map((run) => {
    if (run === undefined) return 0;
    time(run, 300);
    return Math.max(3, Math.ceil(BATCH_MS * 1e6 / Math.max(1, time(run, 300))));
  });
  const best = runs.map(() => NaN);
  for (let round = 0; round < ROUNDS; round++) {
    runs.forEach((run, index) => {
      if (run !== undefined) {
        best[index] = Math.min(best[index] || Infinity, time(run, calls[index] ?? 0));
      }
    });
  }
  return best;
}

/** A value's bytes, or `undefined` if the candidate does not give back what it was given. */
function encoded(candidate: Candidate, value: unknown): Bytes | undefined {
  try {
    const bytes = Uint8Array.from((candidate.bytes ?? candidate.encode)(value));
    const copy = candidate.decode(bytes);
    return Object(copy).constructor === Object(value).constructor ? bytes : undefined;
  } catch {
    // It does not support this value, which the table shows.
    return undefined;
  }
}

function ratio(time: number, base: number): string {
  return Number.isNaN(time) ? "–" : (time / base).toFixed(2);
}

function row(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, index) =>
    index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 12)
  ).join("  ");
}

function speeds(candidates: readonly Candidate[]): void {
  const names = candidates.map(({ name }) => name);
  const widths = [22, ...names.map((name) => Math.max(7, name.length))];
  console.log(row(["", ...names], widths));
  for (const [label, value] of Object.entries(VALUES)) {
    const bytes = candidates.map((candidate) => encoded(candidate, value));
    const writing = compare(
      candidates.map(({ encode }, index) => bytes[index] && (() => encode(value))),
    );
    const reading = compare(candidates.map(({ decode }, index) => {
      const input = bytes[index];
      return input && (() => decode(input));
    }));
    const first = (times: readonly number[]): number => times[0] ?? NaN;
    const show = (what: string, times: readonly number[]): void =>
      console.log(row(
        [
          `${what} ${label}`,
          ...times.map((time, index) =>
            index === 0 ? `${time.toFixed(0)} ns` : ratio(time, first(times))
          ),
        ],
        widths,
      ));
    show("write", writing);
    show("read ", reading);
    console.log(row(["size ", ...bytes.map((bytes) => String(bytes?.length ?? "–"))], widths));
  }
}

async function boots(candidates: readonly Candidate[]): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const files = ["", ...candidates.map(({ boot }) => boot)].map((text, index) => {
      const file = `${folder}/boot_${index}.ts`;
      Deno.writeTextFileSync(file, `${text}\nexport {};\n`);
      return file;
    });
    const samples: number[][] = files.map(() => []);
    // The first round fills caches, and is not counted.
    for (let round = 0; round <= BOOT_ROUNDS; round++) {
      for (const [index, file] of files.entries()) {
        const start = performance.now();
        const { code } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-config", file],
          stdout: "null",
          stderr: "null",
        }).output();
        if (code !== 0) throw new Error(`Cannot measure ${file}: it exits with ${code}`);
        if (round > 0) samples[index]?.push(performance.now() - start);
      }
    }
    const [empty = NaN, ...times] = samples.map(median);
    console.log(`\nload and first use, beside an empty module (${empty.toFixed(1)} ms):`);
    candidates.forEach(({ name }, index) =>
      console.log(`  ${name.padEnd(20)} +${((times[index] ?? NaN) - empty).toFixed(1)} ms`)
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const { msgpackr, boot } = parseArgs(Deno.args, {
  string: ["msgpackr"],
  boolean: ["boot"],
  negatable: ["boot"],
  default: { boot: true },
});
const candidates = await loadCandidates(msgpackr ?? "npm:msgpackr@2.1.3");
speeds(candidates);
if (boot) {
  await boots(candidates.filter(({ name }) => name !== "deploy, own buffer"));
}
