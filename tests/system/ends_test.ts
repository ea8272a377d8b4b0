/** Ends of processes, compared with those of a program of plain Deno. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ENDS } from "../fixtures/ends.ts";
import { runProgram } from "./helpers.ts";

/** The visible part of an end: the status, the output, and the first line of an error. */
interface SeenEnd {
  readonly status: unknown;
  readonly stdout: string;
  readonly error: string;
}

const FIXTURE = await Deno.readTextFile(new URL("../fixtures/ends.ts", import.meta.url));
const PLAIN = new URL("../fixtures/ends_plain.ts", import.meta.url).pathname;
const names = Object.keys(ENDS);

/** The first argument is the name of an end, or nothing: then a process is spawned for each. */
const PROGRAM = `
import { init, spawn, wait } from "deploy";
import { ENDS } from "./ends.ts";
await init({ functions: ENDS });
const end = ENDS[Deno.args[0]];
if (end !== undefined) await end();
else for (const [name, each] of Object.entries(ENDS)) await wait(await spawn(each, undefined, { name }));
`;

const decoder = new TextDecoder();

function seen(status: unknown, stdout: string, stderr: string): SeenEnd {
  const error = /^error: .*$/m.exec(stderr)?.[0] ?? "";
  // Deno 2.6 loses the errors of listeners that it calls itself.
  return {
    status,
    stdout,
    error: error.replace(/Uncaught (null|Error: in .*unload)$/, "Uncaught …"),
  };
}

async function endOfPlain(name: string): Promise<SeenEnd> {
  const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
  const { code, signal, stdout, stderr } = await new Deno.Command(deno, {
    args: ["run", "-A", "--quiet", "--no-config", "--no-lock", PLAIN, name],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const status = signal === null ? { code } : { signal };
  return seen(status, decoder.decode(stdout), decoder.decode(stderr));
}

const spawned = await runProgram(PROGRAM, { files: { "ends.ts": FIXTURE } });

for (const name of names) {
  Deno.test(`a process ends as a program of plain Deno does: ${name}`, async () => {
    const [expected, { processes }] = await Promise.all([
      endOfPlain(name),
      runProgram(PROGRAM, { args: [name], files: { "ends.ts": FIXTURE } }),
    ]);
    const [first] = processes;
    assertEquals(seen(first?.status, first?.stdout ?? "", first?.stderr ?? ""), expected, "first");
    const other = spawned.processes.find((process) => process.name === name);
    assertEquals(
      seen(other?.status, other?.stdout ?? "", other?.stderr ?? ""),
      expected,
      "spawned",
    );
  });
}

/** Sends values in the listeners that are called at the end, of the first process or a spawned one. */
const LAST_VALUES = `
import { init, Receiver, Sender, spawn, wait } from "deploy";
const [who, how, count] = Deno.args;

async function sends(to) {
  const { default: process } = await import("node:process");
  const sender = new Sender(to);
  for (let index = 0; index < Number(count); index++) sender.send(new Uint8Array(300_000).fill(index));
  const send = (name) => void sender.send(name);
  let asked = false;
  globalThis.addEventListener("beforeunload", () => asked ||= (send("beforeunload"), true));
  if (how === "exit") globalThis.addEventListener("unload", () => Deno.exit(6));
  globalThis.addEventListener("unload", () => send("unload"));
  process.on("exit", () => send("exit"));
  if (how === "code") globalThis.addEventListener("unload", () => Deno.exitCode = 5);
}

async function reads(from) {
  const receiver = new Receiver(from);
  const seen = [];
  try {
    for (;;) {
      const value = await receiver.recv();
      seen.push(typeof value === "string" ? value : value[0]);
    }
  } catch (error) {
    console.log(...seen, error.kind, (await wait(from)).code);
  }
}

await init({ functions: { sends, reads } });
if (who === "spawned") await reads(await spawn(sends));
else await sends(await spawn(reads));
`;

for (const who of ["spawned", "first"]) {
  for (
    const { how, count, says } of [
      { how: "return", count: 0, says: "beforeunload unload exit exited 0" },
      { how: "return", count: 9, says: "0 1 2 3 4 5 6 7 8 beforeunload unload exit exited 0" },
      { how: "code", count: 1, says: "0 beforeunload unload exit failed 5" },
      { how: "exit", count: 9, says: "0 1 2 3 4 5 6 7 8 beforeunload failed 6" },
    ]
  ) {
    Deno.test(`values that listeners send at the end arrive: ${who} process, ${how}, ${count} before`, async () => {
      const { stdout, stderr } = await runProgram(LAST_VALUES, { args: [who, how, `${count}`] });
      assertEquals(stdout, `${says}\n`, stderr);
    });
  }
}
