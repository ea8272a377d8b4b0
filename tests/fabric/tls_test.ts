/** What the parts of a cluster say to each other cannot be read without the secret, unless it is plain. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { writeNewSecret } from "../../src/fabric/secret_file.ts";
import { PROTOCOL_VERSION } from "../../src/net/protocol.ts";
import { Fabric } from "./cluster.ts";
import { Deployed } from "./deployed.ts";
import { RecordingRelay } from "./recording_relay.ts";

/** Each of these words crosses a connection: the program's own, an argument of spawn, output, arguments. */
const PROGRAM = `
import { GiB, init, spawn, wait } from "deploy";
function work(_parent: unknown, arg: string) {
  console.log("output-of-the-program " + arg.length);
}
await init({ functions: { work }, resources: { mem: 0.5 * GiB, cpu: 0 } });
console.log("words-of-the-program");
await wait(await spawn(work, "argument-of-spawn", { mem: 3 * GiB }));
`;

interface Seen {
  /** What went between deploy and the bridge, and between the master and a node. */
  readonly bridge: string;
  readonly node: string;
}

/** Runs the program with the arguments for each part, and returns what a listener on the network sees. */
async function listenIn(options: readonly string[]): Promise<Seen> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-tls-" });
  try {
    await writeNewSecret(`${folder}/secret`);
    const flags = ["--secret-file", `${folder}/secret`, ...options];
    await using node = new Fabric(["127.0.0.1:0", "--store", `${folder}/1`, ...flags]);
    await using toNode = new RecordingRelay(await node.ready("node"));
    const args = ["master", "127.0.0.1:0", "1GiB", "4", "bridge", "127.0.0.1:0"];
    const far = [toNode.address, "8GiB", "4"];
    await using master = new Fabric([...args, ...far, "--store", `${folder}/0`, ...flags]);
    await using toBridge = new RecordingRelay(await master.ready("bridge"));
    await master.line(new RegExp(`node ${toNode.address.replaceAll(".", "\\.")} is there`));
    await using program = await Deployed.start(toBridge.address, PROGRAM, {
      flags,
      args: ["argument-of-the-program"],
    });
    assertEquals(await program.code, 0, program.stderr);
    assert(program.text.includes("output-of-the-program 17\n"), program.text);
    return { bridge: toBridge.text, node: toNode.text };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const WORDS = [
  ["bridge", "output-of-the-program"],
  ["bridge", "words-of-the-program"],
  ["bridge", "argument-of-the-program"],
  ["node", "argument-of-spawn"],
] as const;

Deno.test("with a secret, a listener on the network sees no word of a program", async () => {
  const seen = await listenIn([]);
  assert(seen.bridge.length > 10_000 && seen.node.length > 1_000);
  // Its first bytes: without the version, they could be among so many by chance.
  const hello = `DPLY${String.fromCharCode(PROTOCOL_VERSION)}`;
  for (const [where, word] of [...WORDS, ["bridge", hello], ["node", hello]] as const) {
    assert(!seen[where].includes(word), `${word} was sent to the ${where}`);
  }
});

Deno.test("with --plain, it sees them", async () => {
  const seen = await listenIn(["--plain"]);
  const hello = `DPLY${String.fromCharCode(PROTOCOL_VERSION)}`;
  for (const [where, word] of [...WORDS, ["bridge", hello], ["node", hello]] as const) {
    assert(seen[where].includes(word), `${word} was not sent to the ${where}`);
  }
});
