/** The files in which processes leave their wills: what they take, and when they are gone. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/errors.ts";
import { newWillPath, openWill, WillSpace } from "../../src/host/will_store.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), [], "nothing is left");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function leave(folder: string, size: number): Promise<string> {
  const path = newWillPath(folder);
  await Deno.writeFile(path, Uint8Array.from({ length: size }, (_, index) => index));
  return path;
}

Deno.test("openWill() gives what is in a file, of which nothing is left from then on", () =>
  inFolder(async (folder) => {
    const path = await leave(folder, 200);
    using will = await openWill(path, new WillSpace());
    assert(will !== undefined);
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
    assertEquals(will.size, 200);
    const part = new Uint8Array(3);
    for (const at of [100, 0, 197]) {
      will.readInto(part, at);
      assertEquals([...part], [at, at + 1, at + 2]);
    }
    assertThrows(() => will.readInto(part, 198), ProtocolError, "it ends too early");
    assertEquals(await openWill(path, new WillSpace()), undefined);
  }));

Deno.test("the wills of a run take no more of a disk than they may, and each gives its part back", () =>
  inFolder(async (folder) => {
    const space = new WillSpace(250);
    const first = await openWill(await leave(folder, 200), space);
    const second = await openWill(await leave(folder, 50), space);
    const third = await leave(folder, 1);
    await assertRejects(() => openWill(third, space), Error, "the wills of this run");
    first![Symbol.dispose]();
    using _fourth = await openWill(await leave(folder, 200), space);
    second![Symbol.dispose]();
  }));

Deno.test("openWill() refuses an empty file, and a folder, and removes them", () =>
  inFolder(async (folder) => {
    const space = new WillSpace();
    const empty = await leave(folder, 0);
    await assertRejects(() => openWill(empty, space), Error, "could not write them to a file");
    const path = newWillPath(folder);
    await Deno.mkdir(path);
    await assertRejects(() => openWill(path, space), Error, "it is not a regular file");
  }));

Deno.test("what another user puts in the place of a will is not read, and is removed, and not what it leads to", () =>
  inFolder(async (folder) => {
    const [wills, taken] = [`${folder}/wills`, `${folder}/taken`];
    for (const each of [wills, taken]) await Deno.mkdir(each);
    const own = await leave(folder, 3);
    const { uid } = await Deno.stat(own);
    const space = new WillSpace(250, { uid: uid!, taken });
    const [link, full, good] = [newWillPath(wills), newWillPath(wills), await leave(wills, 3)];
    await Deno.symlink(own, link);
    await Deno.mkdir(`${full}/a/b`, { recursive: true });
    await Deno.symlink(folder, `${full}/a/c`);
    for (const path of [link, full]) {
      await assertRejects(() => openWill(path, space), Error, "it is not a regular file");
    }
    // A name for a file of somebody else.
    const of = new WillSpace(250, { uid: uid! + 1, taken });
    const named = newWillPath(wills);
    await Deno.link(own, named);
    await assertRejects(() => openWill(named, of), Error, "it belongs to somebody else");
    assertEquals(await openWill(newWillPath(wills), space), undefined);
    {
      using will = await openWill(good, space);
      assertEquals(will?.size, 3);
    }
    for (const each of [wills, taken]) await Deno.remove(each); // they are empty
    await Deno.remove(own);
  }));
