/** Processes whose hosts are separated by a firewall that lets only the ports of the nodes through. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { HostCluster } from "../chaos/host_cluster.ts";
import type { Deployed } from "../fabric/deployed.ts";
import { networkTest } from "./netns.ts";

/** The ports of processes. They are none from which connections are made. */
const PORTS = "20000-20999";

/** All times are a quarter of the real ones: it is said after 1 to 4 s, and given up after 8 to 12 s. */
const SOON = { DEPLOY_LIVENESS: "tests", DEPLOY_SPARES: "0" };

/**
 * Two processes on another node than the first one send it a value each, which does not arrive. One exits when it has given the
 * first one up, the other one at once, and leaves the value to its node. The reader must not take what it has got
 * from either for all.
 */
const PROGRAM = `
import { ChannelError, init, MiB, Receiver, Sender, spawn, wait } from "deploy";
async function reads(other) {
  try {
    return "received " + await new Receiver(other).recv();
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return error.kind + ": " + error.message;
  }
}
async function waits(parent) {
  new Sender(parent).send(1).catch(() => {});
  console.log("waits", await reads(parent));
  Deno.exit(0);
}
function leaves(parent) {
  new Sender(parent).send(1);
  Deno.exit(0);
}
await init({ functions: { waits, leaves }, resources: { mem: 1_900 * MiB, cpu: 0.1 } });
await Promise.all([waits, leaves].map(async (fn) => {
  const other = await spawn(fn, undefined, { mem: 450 * MiB, cpu: 0.1 });
  console.log("first, from", fn.name, await reads(other));
  console.log(fn.name, JSON.stringify(await wait(other)));
}));
`;

const SAYS: Readonly<Record<"drop" | "reject", string>> = {
  drop: "no answer",
  reject: "connection refused",
};

/**
 * Resolves when `deploy why` has said that; throws if it has not when the program ends. It is asked all the time, twice,
 * since answers may come late, and what cannot be reached is given up some seconds after that is said.
 */
async function untilAnswered(
  cluster: HostCluster,
  pattern: RegExp,
  program: Deployed,
): Promise<void> {
  let isOver = false;
  void program.code.then(() => isOver = true);
  const answers: string[] = [];
  const isAnswered = () => answers.some((answer) => pattern.test(answer));
  const asks = async () => {
    while (!isOver && !isAnswered()) answers.push(await cluster.ask(["why"]));
  };
  await Promise.all([asks(), asks()]);
  assert(isAnswered(), `deploy why never said ${pattern}:\n${answers.join("")}`);
}

async function expectNamed(how: "drop" | "reject"): Promise<void> {
  const args = ["--ports", PORTS];
  await using cluster = await HostCluster.start({ nodes: 1, env: SOON, args });
  const { masterHost, nodeHosts: [nodeHost], master, nodes: [node] } = cluster;
  await masterHost.closePorts(PORTS, how);
  const says = SAYS[await nodeHost!.closePorts(PORTS, how)];
  await using program = await cluster.deploy(PROGRAM);
  const asked = untilAnswered(cluster, new RegExp(`cannot reach .* at .*: ${says}`), program);
  asked.catch(() => {}); // awaited below
  const hosts = [masterHost.address, nodeHost!.address];
  for (const [index, fabric] of [master, node!].entries()) {
    const [own, other] = [hosts[index], hosts[1 - index]];
    const ends = `[0-9a-f]{7} at ${other}:20\\d{3} from ${own}: ${says}`;
    await fabric.line(new RegExp(`process [0-9a-f]{7} of run \\S+ cannot reach ${ends}; `));
  }
  await asked;
  assertEquals(await program.code, 0, program.stderr);
  const { text } = program;
  for (const name of ["waits", "leaves"]) {
    assertMatch(text, new RegExp(`^first, from ${name} lost: `, "m"));
    assertMatch(text, new RegExp(`^${name} {"code":0}$`, "m"));
  }
  const why = `it cannot be reached at ${hosts[0]}:20\\d{3} from ${hosts[1]}: ${says}`;
  assertMatch(text, new RegExp(`^waits lost: .*${why} for \\d+ s$`, "m"));
  const errors = program.events.flatMap((event) =>
    event.event === "output" && event.fd === 2 && "text" in event ? event.text : ""
  ).join("");
  assertMatch(errors, new RegExp(`cannot connect to [0-9a-f]{7}: ${why}`));
}

networkTest(
  "ports that a firewall closes are named at the processes, at their nodes and by deploy why; then channels are lost",
  async () => {
    await Promise.all([expectNamed("drop"), expectNamed("reject")]);
  },
);
