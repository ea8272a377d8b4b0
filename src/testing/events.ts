/** The events of a run, as `DEPLOY_FORMAT=json` prints them, and what follows from them. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { NEW_RUN, runningProcesses, type RunState, step } from "../run/run_state.ts";

/**
 * One event of a run, as `DEPLOY_FORMAT=json` prints it.
 *
 * Of each process: one `spawn`, first; its `output`, in order within each `fd` (1 is stdout, 2 is
 * stderr); one `eof` for each `fd`; one `exit`, last. `parent` is `null` for the first process, `node` in
 * a local run. Output that is not UTF-8 is `base64`. `time` is in ISO 8601.
 */
export type ProgramEvent =
  | {
    event: "spawn";
    parent: Pid | null;
    pid: Pid;
    name: string;
    node: string | null;
    time: string;
  }
  | { event: "output"; pid: Pid; fd: 1 | 2; text: string; time: string }
  | { event: "output"; pid: Pid; fd: 1 | 2; base64: string; time: string }
  | { event: "eof"; pid: Pid; fd: 1 | 2 }
  | { event: "exit"; pid: Pid; status: ExitStatus; time: string };

/** What is known of one process of a run that may still be running. */
export interface ProcessSoFar {
  /** Its Pid. */
  readonly pid: Pid;
  /** The process that spawned it; `null` for the first process. */
  readonly parent: Pid | null;
  /** Its name: that of its function, or what `spawn` was told; of the first process, the program's file. */
  readonly name: string;
  /** The address of its node; `null` in a local run. */
  readonly node: string | null;
  /** What it has written to stdout; bytes that are not UTF-8 are U+FFFD. */
  readonly stdout: string;
  /** What it has written to stderr. */
  readonly stderr: string;
  /** How it ended; `null` while it runs. */
  readonly status: ExitStatus | null;
}

/** What is known of one process of a run that is over. */
export interface ProcessRecord extends ProcessSoFar {
  /** How it ended. */
  readonly status: ExitStatus;
}

/** A line that a process wrote, and how it matched. */
export interface OutputMatch {
  /** The process that wrote it. */
  readonly pid: Pid;
  /** The stream that it was written to: 1 is stdout, 2 is stderr. */
  readonly fd: 1 | 2;
  /** The match; `match.input` is the line. */
  readonly match: RegExpExecArray;
}

/** One output stream of a process. */
class OutputText {
  /** The last one is not finished. */
  readonly lines: string[] = [""];

  get text(): string {
    return this.lines.join("\n");
  }

  /** @returns The index of the first line that has changed. */
  add(text: string): number {
    const changed = this.lines.length - 1;
    const [rest = "", ...more] = text.split("\n");
    this.lines[changed] += rest;
    this.lines.push(...more);
    return changed;
  }
}

interface ProcessEntry extends Omit<ProcessSoFar, "stdout" | "stderr"> {
  status: ExitStatus | null;
  readonly streams: Readonly<Record<OutputFd, OutputText>>;
}

/** Collects the events of a run, and checks that they are complete and in order. */
export class EventRecorder {
  readonly events: ProgramEvent[] = [];
  readonly #processes = new Map<Pid, ProcessEntry>();
  #state: RunState = NEW_RUN;
  /** Of all processes, in the order of the events. */
  readonly #all = { 1: "", 2: "" };

  /**
   * Takes the next line of what `DEPLOY_FORMAT=json` prints. An event of a kind that is not known is
   * skipped.
   *
   * @returns The process, its stream and the first line of it that has changed, if it was output.
   * @throws {Error} If it is no event, or one that cannot come now.
   */
  add(line: string): { pid: Pid; fd: 1 | 2; from: number } | undefined {
    const event = parse(line);
    if (event === undefined) return undefined;
    this.#state = step(this.#state, toRunEvent(event));
    this.events.push(event);
    const { pid } = event;
    if (event.event === "spawn") {
      const { parent, name, node } = event;
      if (parent !== null && !this.#processes.has(parent)) {
        throw new Error(`The run reports ${pid} before its parent ${parent}`);
      }
      if (this.#processes.has(pid)) throw new Error(`The run reports ${pid} twice`);
      const streams = { 1: new OutputText(), 2: new OutputText() };
      this.#processes.set(pid, { pid, parent, name, node, status: null, streams });
      return undefined;
    }
    const process = this.#processes.get(pid)!;
    if (event.event === "exit") process.status = event.status;
    if (event.event !== "output") return undefined;
    const stream = process.streams[event.fd];
    const text = "text" in event ? event.text : decode(event.base64);
    const from = stream.add(text);
    this.#all[event.fd] += text;
    return { pid, fd: event.fd, from };
  }

  /** What all processes have written to that stream, in the order of the events. */
  text(fd: OutputFd): string {
    return this.#all[fd];
  }

  /** The processes, in the order in which they were spawned. */
  processes(): ProcessSoFar[] {
    return [...this.#processes.values()].map(({ streams, ...process }) => ({
      ...process,
      stdout: streams[1].text,
      stderr: streams[2].text,
    }));
  }

  /**
   * The processes of a run that is over.
   *
   * @throws {Error} If one of them has no `exit`.
   */
  ended(): ProcessRecord[] {
    const left = runningProcesses(this.#state).map(({ pid, name }) => `${pid} ${name}`);
    if (left.length > 0) throw new Error(`The run reports no exit of ${left.join(", ")}`);
    return this.processes().flatMap(({ status, ...process }) =>
      status === null ? [] : [{ ...process, status }]
    );
  }

  /** The first line that matches, of one process's stream from that line on, or of all there are. */
  find(pattern: RegExp, at?: { pid: Pid; fd: 1 | 2; from: number }): OutputMatch | undefined {
    const places = at === undefined ? this.#beginnings() : [at];
    for (const { pid, fd, from } of places) {
      const { lines } = this.#processes.get(pid)!.streams[fd];
      for (let index = from; index < lines.length; index++) {
        const match = pattern.exec(lines[index]!);
        if (match !== null) return { pid, fd, match };
      }
    }
    return undefined;
  }

  #beginnings(): { pid: Pid; fd: 1 | 2; from: number }[] {
    return [...this.#processes.keys()].flatMap((pid) => [
      { pid, fd: 1 as const, from: 0 },
      { pid, fd: 2 as const, from: 0 },
    ]);
  }
}

const KINDS: readonly string[] = ["spawn", "output", "eof", "exit"];

function parse(line: string): ProgramEvent | undefined {
  let value: ProgramEvent;
  try {
    value = JSON.parse(line) as ProgramEvent;
  } catch (cause) {
    throw new Error(`The run printed a line that is no event: ${JSON.stringify(line)}`, { cause });
  }
  return KINDS.includes(value.event) ? value : undefined;
}

function toRunEvent(event: ProgramEvent): RunEvent {
  switch (event.event) {
    case "spawn":
    case "exit":
      return { ...event, time: Date.parse(event.time) };
    case "output": {
      const { pid, fd, time } = event;
      // The order of events does not depend on their bytes.
      return { event: "output", pid, fd, bytes: new Uint8Array(0), time: Date.parse(time) };
    }
    case "eof":
      return event;
  }
}

/** A byte order mark is part of the output, so it is kept. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function decode(base64: string): string {
  return decoder.decode(Uint8Array.fromBase64(base64));
}
