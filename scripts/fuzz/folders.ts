/** Folders that outlive what wrote them, with a file that was changed: what reads them refuses it, or gets over it. */

import { RunArchive } from "../../src/bridge/run_archive.ts";
import { createLogger } from "../../src/core/logger.ts";
import { DiskLog } from "../../src/run/disk_log.ts";
import { EventRecord } from "../../src/run/event_record.ts";
import type { RunLog } from "../../src/run/run_log.ts";
import { Store } from "../../src/store/store.ts";
import { HELLO_PIECE, MANIFEST, PID } from "./decoders.ts";
import { hostile, oneOf, type Random } from "./mutate.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A kind of folder. */
export interface Folder {
  readonly name: string;
  /** Writes one that is in order. */
  write(folder: string): Promise<void>;
  /** Reads all of one. @throws {Error} If it breaks, or gives something that was not written. */
  read(folder: string): Promise<void>;
}

const SILENT = createLogger("error", () => {});

const store: Folder = {
  name: "the folder of a store",
  async write(folder) {
    await using opened = await Store.open(folder);
    await using _files = await opened.ensure([MANIFEST], putHello);
  },
  async read(folder) {
    await using opened = await Store.open(folder);
    await opened.missing([MANIFEST]);
    const piece = await opened.readPiece(HELLO_PIECE.hash);
    if (piece !== undefined && !isHello(piece)) throw new Error("it gave another piece");
    await using files = await opened.ensure([MANIFEST], putHello);
    if (!isHello(await Deno.readFile(files.paths[0]!))) throw new Error("it gave another file");
  },
};

async function putHello(
  _missing: readonly string[],
  put: (hash: string, bytes: Bytes) => Promise<void>,
): Promise<void> {
  await put(HELLO_PIECE.hash, HELLO_PIECE.bytes);
}

function isHello(bytes: Uint8Array): boolean {
  return bytes.toHex() === HELLO_PIECE.bytes.toHex();
}

/** How many events are written. */
const EVENTS = 30;

const log: Folder = {
  name: "the log of a run",
  async write(folder) {
    const opened = await DiskLog.open({ folder });
    for (let count = 0; count < EVENTS; count++) {
      const bytes = new Uint8Array(count * 10).fill(count);
      const event = { event: "output", pid: PID, fd: 1, bytes, time: count } as const;
      await opened.append(EventRecord.of(event));
    }
    await opened.close();
  },
  async read(folder) {
    const opened = await DiskLog.open({ folder, cacheBytes: 0 });
    const count = await readAll(opened);
    await opened.append(EventRecord.of({ event: "said", text: "on", time: 1 }));
    await opened.close();
    if (count > EVENTS) throw new Error(`it gave ${count} events`);
  },
};

const archive: Folder = {
  name: "the runs of a bridge",
  async write(folder) {
    const opened = await RunArchive.open({ folder, logger: SILENT });
    const { id, log } = await opened.begin({ name: "a", by: "b", from: "c" });
    await log.append(EventRecord.of({ event: "said", text: "text", time: 1 }));
    await opened.end(id, 3);
    await opened.close();
  },
  async read(folder) {
    const opened = await RunArchive.open({ folder, logger: SILENT });
    for (const { id } of opened.list()) {
      for (const log of [await opened.openLog(id), await opened.openProcesses(id)]) {
        await readAll(log);
        await log.close();
      }
    }
    await opened.close();
  },
};

export const FOLDERS: readonly Folder[] = [store, log, archive];

/** How many events a log gives; one that is damaged may be refused when it is read. */
async function readAll(log: RunLog): Promise<number> {
  let count = 0;
  for (let offset = log.start; offset < log.end;) {
    const { from, records } = await log.read(offset, 500);
    if (from < offset || records.length === 0) throw new Error("it gave no event");
    count += records.length;
    offset = from + records.length;
  }
  return count;
}

/** Changes a file of a folder, any of them, and gives what was done, for a finding. */
export async function damage(folder: string, random: Random): Promise<string> {
  const path = oneOf((await filesIn(folder)).sort(), random);
  const bytes = hostile([await Deno.readFile(path)], random);
  await Deno.writeFile(path, bytes);
  return `${path.slice(folder.length)}: ${bytes.toHex()}`;
}

async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesIn(path));
    else if (isFile) found.push(path);
  }
  return found;
}
