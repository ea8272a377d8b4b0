/** The run of a fuzzer: so many inputs for each target, and what they broke. */

import process from "node:process";
import { ProtocolError } from "../../src/core/errors.ts";
import { StoreError } from "../../src/store/store_error.ts";
import { randomFrom } from "../bench/placement.ts";
import { type Decoder, DECODERS } from "./decoders.ts";
import { damage, type Folder, FOLDERS } from "./folders.ts";
import { below, hostile, type Random } from "./mutate.ts";
import { openPorts, type Port } from "./ports.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How many inputs are made, and from what. */
export interface FuzzSettings {
  readonly inputs: number;
  readonly seed: number;
}

/** The share of the inputs that is sent to ports: each takes as long as a hundred for decoders. */
const PORT_SHARE = 0.1;

/** The share of those that change a file of a folder, which takes longer still. */
const FOLDER_SHARE = 0.01;

/** The most time of a processor that one input may take a decoder: inputs are small. */
const MAX_CPU_MS = 2_000;

/** How long a port may take to close a connection on which nothing more comes, on a busy machine. */
const MAX_MS = 60_000;

/** How long after its start Deno has opened all of its own files. */
const DENO_STARTED_MS = 2_000;

/** How much the memory of this process may grow. */
const MAX_GROWTH_BYTES = 512 * 1024 * 1024;

/** A peer that does nothing wrong comes after so many inputs. */
const VISIT_EVERY = 20;

/**
 * Gives inputs to all targets in turn. Returns what broke, one line each; an error that nothing catches ends
 * this process, and is a finding, too.
 */
export async function fuzz(
  { inputs, seed }: FuzzSettings,
  say: (line: string) => void,
): Promise<string[]> {
  const random = randomFrom(seed);
  const findings: string[] = [];
  const beganBytes = Deno.memoryUsage().rss;
  const forPorts = Math.floor(inputs * PORT_SHARE);
  const forFolders = Math.floor(inputs * FOLDER_SHARE);
  for (const [index, decoder] of DECODERS.entries()) {
    const count = share(inputs - forPorts - forFolders, DECODERS.length, index);
    const { refused, slowestMs } = tryDecoder(decoder, count, random, findings);
    say(`${decoder.name}: ${count} inputs, ${refused} refused, the slowest ${ms(slowestMs)}`);
  }
  for (const [index, folder] of FOLDERS.entries()) {
    const count = share(forFolders, FOLDERS.length, index);
    const refused = await tryFolder(folder, count, random, findings);
    say(`${folder.name}: ${count} inputs, ${refused} refused`);
  }
  let lines = 0;
  const home = await Deno.makeTempDir({ prefix: "deploy-fuzz-" });
  const { ports, close } = await openPorts(home, () => lines++);
  for (const port of ports) await port.visit();
  await settled();
  const files = openFiles();
  for (const [index, port] of ports.entries()) {
    const count = share(forPorts, ports.length, index);
    const slowestMs = await tryPort(port, count, random, findings);
    say(`${port.name}: ${count} inputs, the slowest ${ms(slowestMs)}`);
  }
  const left = await settledFiles(files);
  const grownBytes = Deno.memoryUsage().rss - beganBytes;
  say(`${lines} lines in logs; ${left} file descriptors more; ${grownBytes >> 20} MiB more memory`);
  if (left > 0) findings.push(`${left} file descriptors were left open`);
  if (grownBytes > MAX_GROWTH_BYTES) findings.push(`the memory grew by ${grownBytes} bytes`);
  await close();
  await Deno.remove(home, { recursive: true });
  return findings;
}

/** The part of `whole` for one of `count`. */
function share(whole: number, count: number, index: number): number {
  return Math.floor((whole * (index + 1)) / count) - Math.floor((whole * index) / count);
}

/** Gives so many inputs to a decoder, and adds what breaks it to `findings`. */
export function tryDecoder(
  { name, valid, take, refuses }: Decoder,
  count: number,
  random: Random,
  findings: string[],
): { refused: number; slowestMs: number } {
  // Changes of what is not valid would be refused at once, and try nothing.
  for (const bytes of valid) take(bytes.slice());
  let [refused, slowestMs] = [0, 0];
  for (let left = count; left > 0; left--) {
    const bytes = hostile(valid, random);
    const shown = bytes.toHex();
    const began = process.cpuUsage();
    try {
      take(bytes);
    } catch (error) {
      refused++;
      if (!refuses.some((kind) => error instanceof kind)) {
        findings.push(`${name}: ${error instanceof Error ? error.stack : error}\ninput: ${shown}`);
      }
    }
    const { user, system } = process.cpuUsage(began);
    const tookMs = (user + system) / 1_000;
    if (tookMs > MAX_CPU_MS) findings.push(`${name}: it took ${ms(tookMs)}\ninput: ${shown}`);
    slowestMs = Math.max(slowestMs, tookMs);
  }
  return { refused, slowestMs };
}

/** Changes a file in so many folders, and reads them; gives how many were refused, by an error that says why. */
export async function tryFolder(
  { name, write, read }: Folder,
  count: number,
  random: Random,
  findings: string[],
): Promise<number> {
  let refused = 0;
  for (let left = count; left > 0; left--) {
    const folder = await Deno.makeTempDir({ prefix: "deploy-fuzz-" });
    await write(folder);
    const input = await damage(folder, random);
    try {
      await read(folder);
    } catch (error) {
      refused++;
      if (!isRefusal(error)) {
        findings.push(`${name}: ${error instanceof Error ? error.stack : error}\ninput: ${input}`);
      }
    }
    await Deno.remove(folder, { recursive: true });
  }
  return refused;
}

/** Whether an error says that a folder cannot be used, or which part of it is damaged. */
function isRefusal(error: unknown): boolean {
  if (error instanceof StoreError || error instanceof ProtocolError) return true;
  return error instanceof Error && /^Cannot read .* is damaged$/.test(error.message);
}

async function tryPort(
  port: Port,
  count: number,
  random: Random,
  findings: string[],
): Promise<number> {
  let slowestMs = 0;
  for (let left = count; left > 0; left--) {
    const bytes = hostile(port.valid, random);
    const beganMs = performance.now();
    const isClosed = await attack(port, bytes, random);
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
    if (!isClosed) {
      findings.push(`${port.name}: it did not close in ${ms(MAX_MS)}\ninput: ${bytes.toHex()}`);
    }
    if (left % VISIT_EVERY !== 0) continue;
    try {
      await port.visit();
    } catch (error) {
      findings.push(`${port.name}: a good peer was not served: ${error}\ninput: ${bytes.toHex()}`);
    }
  }
  return slowestMs;
}

/** Says all of it, in one piece or two, and no more; returns whether the port closes then. */
async function attack(port: Port, bytes: Bytes, random: Random): Promise<boolean> {
  const conn = await port.dial();
  const late = setTimeout(() => conn.close(), MAX_MS);
  const at = random() < 0.5 ? bytes.length : below(bytes.length + 1, random);
  try {
    for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) {
      for (let rest = piece; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    }
    await conn.closeWrite();
    const answer = new Uint8Array(65_536);
    while (await conn.read(answer) !== null);
  } catch (error) {
    if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
      return false;
    }
    // It was closed with unread bytes.
    const { ConnectionReset, BrokenPipe, NotConnected } = Deno.errors;
    const isClosed = [ConnectionReset, BrokenPipe, NotConnected].some((kind) =>
      error instanceof kind
    );
    if (!isClosed) throw error;
  }
  clearTimeout(late);
  conn.close();
  return true;
}

/** How many files this process has open; 0 where that is not known. */
function openFiles(): number {
  if (Deno.build.os !== "linux") return 0;
  return Array.from(Deno.readDirSync("/proc/self/fd")).length;
}

/** Until Deno has opened the two files that it opens half a second after its start. */
async function settled(): Promise<void> {
  const leftMs = DENO_STARTED_MS - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}

/** How many more files than `before` stay open: the other ends of the last connections take a moment. */
async function settledFiles(before: number): Promise<number> {
  const untilMs = performance.now() + MAX_MS;
  while (openFiles() > before && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return Math.max(0, openFiles() - before);
}

function ms(time: number): string {
  return `${time.toFixed(time < 10 ? 1 : 0)} ms`;
}
