/**
 * Counts the words of a text in parallel: it is split at line ends, each process counts one part, and
 * the counts are merged. The result is checked against a count by one process.
 *
 * The text is the first 41 chapters of Moby-Dick, by Herman Melville (1851, public domain), or any file.
 *
 *     deno task example word_count
 *     deno task example word_count 8 some.txt
 */

import { init, type Pid, Receiver, Sender, spawn } from "deploy";
import { countArgument } from "./lib/arguments.ts";

type Counts = Map<string, number>;

async function countPart(parent: Pid, part: string) {
  const counts = countWords(part);
  console.log(`${part.length} characters, ${counts.size} different words`);
  await new Sender<Counts>(parent).send(counts);
}

function countWords(text: string): Counts {
  const counts: Counts = new Map();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*/gu)) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/** Cuts `text` into at most `count` parts of about the same length, at ends of lines. */
function split(text: string, count: number): string[] {
  const parts: string[] = [];
  const size = Math.ceil(text.length / count);
  for (let start = 0; start < text.length;) {
    const lineEnd = text.indexOf("\n", start + size);
    const end = lineEnd < 0 ? text.length : lineEnd + 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

await init({ functions: { countPart } });

const processes = countArgument(0, "processes", 4);
const file = Deno.args[1] ?? new URL("./data/moby_dick.txt", import.meta.url);
const text = await Deno.readTextFile(file);

const pids = await Promise.all(split(text, processes).map((part) => spawn(countPart, part)));

const counts: Counts = new Map();
for (const pid of pids) {
  await using receiver = new Receiver<Counts>(pid);
  for (const [word, count] of await receiver.recv()) {
    counts.set(word, (counts.get(word) ?? 0) + count);
  }
}

const expected = countWords(text);
for (const [word, count] of expected) {
  if (counts.get(word) !== count) throw new Error(`Counted ${counts.get(word)} ${word}: ${count}`);
}
if (counts.size !== expected.size) throw new Error(`${counts.size} words are too many`);

const top = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, 10);
for (const [word, count] of top) console.log(`${String(count).padStart(7)} ${word}`);
console.log(`${counts.size} different words; one process alone counts the same`);
