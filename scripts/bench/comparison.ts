/** The same small programs on deploy and on other systems, for `docs/comparison.md`. */

import { Commanded } from "./commanded.ts";
import { peerPath, startProgram } from "./deno_program.ts";
import { Erlang } from "./erlang.ts";
import { nodeModules } from "./node_modules.ts";
import { OpenMpi } from "./open_mpi.ts";
import { settled } from "./processes.ts";
import { ARRAY_BYTES, ARRAYS, CALLS, ROUND_TRIP_BYTES, ROUND_TRIPS } from "./programs/sizes.ts";
import type { Unit } from "./row.ts";
import { findTool } from "./tools.ts";

/** The systems, in the order of the columns. */
export const SYSTEMS = ["deploy", "Node", "Open MPI", "Erlang/OTP"] as const;
export type System = typeof SYSTEMS[number];

/** One program on one system. */
export interface Contender {
  readonly system: System;
  /** What of the system it is, if there are several. */
  readonly note?: string;
  measure(): Promise<number>;
}

/** One program on all systems that are installed. */
export interface Comparison {
  readonly title: string;
  readonly unit: Unit;
  readonly contenders: readonly Contender[];
}

/** Children that MPI starts for one sample. */
const MPI_CHILDREN = 5;

/** The systems that are installed here, started; what is held for them goes to `held`. */
export async function openComparison(held: AsyncDisposableStack): Promise<Comparison[]> {
  const node = await findTool("node");
  const mpi = await OpenMpi.find();
  if (mpi !== undefined) held.use(mpi);
  const erlang = await Erlang.find();
  if (erlang !== undefined) held.use(erlang);

  const ours = (program: string, question: string, ...args: string[]): Contender => {
    const started = held.use(startProgram(program, { args }));
    return { system: "deploy", measure: () => started.ask(question) };
  };
  const ofNode = (note: string, file: string, question: string, ...args: string[]): Contender[] => {
    if (node === undefined) return [];
    const program = held.use(new Commanded(node, { args: [peerPath(file), ...args] }));
    return [{ system: "Node", note, measure: () => program.ask(question) }];
  };
  const fork = (kind: string, count: number) =>
    ofNode("fork", "node_fork.mjs", kind, kind, String(count));
  const ofMpi = (...what: Parameters<OpenMpi["measure"]>): Contender[] =>
    mpi === undefined ? [] : [{ system: "Open MPI", measure: () => mpi.measure(...what) }];
  const ofErlang = (what: string, note?: string): Contender[] =>
    erlang === undefined ? [] : [{
      system: "Erlang/OTP",
      ...(note !== undefined && { note }),
      measure: () => erlang.measure(what),
    }];

  const spawning = held.use(startProgram("spawn.ts"));
  const firstAnswer = async () => {
    await settled(spawning.pid); // a spare is at hand again
    return await spawning.ask("untilAnswered");
  };
  const modules = node === undefined ? "" : await nodeModules();
  const pools = (question: "one" | "many", workers: number): Contender[] => [
    ours("pool.ts", question, String(workers)),
    ...["piscina", "workerpool"].flatMap((name) =>
      ofNode(name, `${name}.mjs`, question, modules, String(workers), JSON.stringify(CALLS))
    ),
  ];

  return [
    {
      title: "start a process, until its first answer",
      unit: "ms",
      contenders: [
        { system: "deploy", measure: firstAnswer },
        ...fork("firstAnswer", 1),
        ...ofMpi(1, "spawns", MPI_CHILDREN),
        ...ofErlang("firstAnswer", "a node"),
        ...ofErlang("lightAnswer", "a process of its own kind"),
      ],
    },
    {
      title: `${ROUND_TRIP_BYTES} bytes there and back`,
      unit: "µs",
      contenders: [
        ours("channels.ts", "roundTrips", "roundTrips"),
        ...fork("roundTrips", ROUND_TRIPS),
        ...ofMpi(2, "roundTrips", ROUND_TRIPS, ROUND_TRIP_BYTES),
        ...ofErlang("roundTrips"),
      ],
    },
    {
      title: "values of 1 MiB, one way",
      unit: "MB/s",
      contenders: [
        ours("channels.ts", "arrays", "arrays"),
        ...fork("arrays", ARRAYS),
        ...ofMpi(2, "arrays", ARRAYS, ARRAY_BYTES),
        ...ofErlang("arrays"),
      ],
    },
    {
      title: "small calls, one after the other",
      unit: "thousands/s",
      contenders: [
        ...pools("one", 1),
        ...ofMpi(2, "calls", CALLS.one, 1),
        ...ofErlang("one"),
      ],
    },
    {
      title: `small calls, ${CALLS.underWay} under way, on two workers`,
      unit: "thousands/s",
      contenders: [
        ...pools("many", 2),
        ...ofMpi(3, "calls", CALLS.many, CALLS.underWay),
        ...ofErlang("many"),
      ],
    },
  ];
}
