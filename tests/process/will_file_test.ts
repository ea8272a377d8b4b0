/** The file of a will: when it exists, its contents, and who can read it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { WillFile } from "../../src/process/exits.ts";

async function withFolder(test: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/will`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("WillFile.write() makes a file of its owner's own", () =>
  withFolder((path) => {
    new WillFile(path).write([new Uint8Array([1, 2, 3])]);
    assertEquals(Deno.readFileSync(path), new Uint8Array([1, 2, 3]));
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("WillFile.write() makes no file for nothing", () =>
  withFolder((path) => {
    new WillFile(path).write(undefined);
    assertEquals(exists(path), false);
  }));

Deno.test("WillFile.write() replaces its contents, also by less and by nothing", () =>
  withFolder((path) => {
    const will = new WillFile(path);
    will.write([new Uint8Array(100_000).fill(7)]);
    will.write([new Uint8Array([9])]);
    assertEquals(Deno.readFileSync(path), new Uint8Array([9]));
    will.write(undefined);
    assertEquals(exists(path), false);
    will.write([new Uint8Array([4, 5])]);
    assertEquals(Deno.readFileSync(path), new Uint8Array([4, 5]));
  }));

Deno.test("WillFile.write() writes into no file that someone else made", () =>
  withFolder((path) => {
    Deno.writeTextFileSync(path, "other");
    assertThrows(() => new WillFile(path).write([new Uint8Array([1])]), Deno.errors.AlreadyExists);
    assertEquals(Deno.readTextFileSync(path), "other");
  }));

Deno.test("WillFile.abandon() leaves no file, then and later", () =>
  withFolder((path) => {
    const will = new WillFile(path);
    will.write([new Uint8Array([1])]);
    will.abandon();
    assertEquals(exists(path), false);
    will.write([new Uint8Array([2])]);
    assertEquals(exists(path), false);
  }));

function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes `folder` a file system of 64 KiB; returns whether this process may. */
function mountSmall(folder: string): boolean {
  return succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder);
}

/** Whether a small file system can be made here, which usually takes root, on Linux. */
function canMount(): boolean {
  if (Deno.build.os !== "linux") return false;
  const folder = Deno.makeTempDirSync();
  try {
    return mountSmall(folder) && succeeds("umount", folder);
  } finally {
    Deno.removeSync(folder);
  }
}

Deno.test("WillFile.write() leaves an empty file if there is no room for the will", {
  ignore: !canMount(),
}, () =>
  withFolder((path) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    assertEquals(mountSmall(folder), true);
    try {
      const will = new WillFile(path);
      will.write([new Uint8Array([1])]);
      assertThrows(() => will.write([new Uint8Array(1_000_000)]), Error, "No space left");
      assertEquals(Deno.readFileSync(path), new Uint8Array());
      will.write(undefined);
      assertEquals(exists(path), false);
    } finally {
      assertEquals(succeeds("umount", folder), true);
    }
  }));
