// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ControlGroup } from "../../src/host/control_group.ts";
import { ownPlaces } from "../../src/host/control_group_places.ts";

const { pids } = await ownPlaces();

/** With a thread or without: is in a group that has no more processes after 11 s, and then does what takes threads. */
const PROGRAM = `
const [keeps, group] = Deno.args;
const { keepThread } = await import(${
  JSON.stringify(new URL("../../src/core/kept_thread.ts", import.meta.url).href)
});
if (keeps === "true") keepThread();
await new Promise((resolve) => setTimeout(resolve, 11_000));
Deno.writeTextFileSync(group + "/pids.max", Deno.readTextFileSync(group + "/pids.current"));
await Promise.all(Array.from({ length: 20 }, () => Deno.lstat("/")));
await crypto.subtle.digest("SHA-256", new Uint8Array(100_000));
`;

Deno.test({
  name:
    "with a kept thread, files are read where no thread can be started; without, the process ends",
  ignore: pids === undefined,
  fn: async () => {
    const success = await Promise.all([true, false].map(async (keeps) => {
      const name = `test-${crypto.randomUUID()}`;
      const group = new ControlGroup({ pids: pids! }, name);
      await group.make();
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", "--ext=ts", PROGRAM, String(keeps), `${pids!.folder}/${name}`],
        ...{ stdin: "null", stdout: "null", stderr: "null" },
      }).spawn();
      await group.enter(child.pid);
      const { success } = await child.status;
      await group.remove();
      return success;
    }));
    assertEquals(success, [true, false]);
  },
});
