/** The speed of channels. */

import { Commanded } from "../commanded.ts";
import { peerPath, startProgram } from "../deno_program.ts";
import { type Asked, askingRow, openRow } from "../open.ts";
import { OpenMpi } from "../open_mpi.ts";
import { ARRAY_BYTES, ARRAYS, MESSAGES, ROUND_TRIP_BYTES, ROUND_TRIPS } from "../programs/sizes.ts";
import type { OpenRow, Row } from "../row.ts";
import { findTool } from "../tools.ts";

type Kind = "roundTrips" | "messages" | "arrays" | "newArrays";

function channel(kind: Kind): Asked {
  return {
    name: "channel",
    program: startProgram("channels.ts", { args: [kind] }),
    question: kind,
  };
}

function tcp(name: string, kind: Kind): Asked {
  return { name, program: startProgram("tcp.ts", { args: [kind] }), question: kind };
}

/** Node's own IPC, if Node is installed. */
async function nodeFork(kind: Kind, count: number): Promise<Asked[]> {
  const node = await findTool("node");
  if (node === undefined) return [];
  const args = [peerPath("node_fork.mjs"), kind, String(count)];
  const program = new Commanded(node, { args });
  return [{ name: "Node, child_process.fork", program, question: kind, peer: true }];
}

/** Programs, and Open MPI if it is installed. */
async function withMpi(
  programs: readonly Asked[],
  kind: "roundTrips" | "arrays",
  count: number,
  bytes: number,
): Promise<OpenRow> {
  const mpi = await OpenMpi.find();
  if (mpi === undefined) return askingRow(programs);
  const side = {
    name: "Open MPI over TCP",
    peer: true,
    measure: () => mpi.measure(2, kind, count, bytes),
  };
  const { sides } = askingRow(programs, [side]);
  return openRow(sides, [...programs.map(({ program }) => program), mpi]);
}

export const ROUND_TRIP: Row = {
  name: "roundtrip",
  title: "small round trip: 16 B there and back, p50",
  unit: "µs",
  goal: { judges: "ratio", better: "less", must: 1.2, stretch: 1 },
  rounds: 7,
  open: async () => {
    const peers = await nodeFork("roundTrips", ROUND_TRIPS);
    const programs = [channel("roundTrips"), tcp("bare TCP echo", "roundTrips"), ...peers];
    return await withMpi(programs, "roundTrips", ROUND_TRIPS, ROUND_TRIP_BYTES);
  },
};

export const SMALL: Row = {
  name: "messages",
  title: "small messages one way, { i, s }, each send awaited",
  unit: "thousands/s",
  goal: { judges: "ratio", better: "more", must: 0.5, stretch: 0.65 },
  rounds: 7,
  open: async () => {
    const peers = await nodeFork("messages", MESSAGES);
    const baseline = tcp("encode, writes of 64 KiB, decode loop", "messages");
    return askingRow([channel("messages"), baseline, ...peers]);
  },
};

export const LARGE: Row = {
  name: "arrays",
  title: "1 MiB Uint8Arrays one way",
  unit: "MB/s",
  goal: { judges: "ratio", better: "more", must: 0.7, stretch: 1 },
  rounds: 7,
  open: () => {
    const baseline = tcp("bare TCP, into one buffer", "arrays");
    const keeping = tcp("bare TCP, a new array each", "newArrays");
    return withMpi(
      [channel("arrays"), baseline, { ...keeping, peer: true }],
      "arrays",
      ARRAYS,
      ARRAY_BYTES,
    );
  },
};
