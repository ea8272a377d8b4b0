/** A compiled `fabric` that runs programs as another user. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { CAN_CHANGE_USER, UserCluster } from "../system/user_cluster.ts";
import { compile } from "./compile.ts";

/** Tells who each of its processes is, and whether it gets at the store. */
const PROGRAM = `
import { init, Receiver, Sender, spawn } from "deploy";
const [store] = Deno.args;
function who() {
  const status = Deno.readTextFileSync("/proc/self/status");
  let entered = true;
  try {
    Deno.lstatSync(store + "/files");
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    entered = false;
  }
  return [Deno.uid(), Deno.gid(), /^NoNewPrivs:\\t1$/m.test(status), /^CapEff:\\t0+$/m.test(status), entered].join();
}
async function worker(parent) {
  await using sender = new Sender(parent);
  await sender.send(who());
}
await init({ functions: { worker } });
console.log(who());
for (let count = 0; count < 2; count++) {
  await using receiver = new Receiver(await spawn(worker));
  console.log(await receiver.recv());
}
`;

Deno.test({
  name: "a compiled fabric runs programs as another user",
  ignore: !CAN_CHANGE_USER,
  fn: async () => {
    await using fabric = await compile("fabric.ts");
    await using cluster = await UserCluster.start([], fabric.path);
    await using program = await cluster.deploy(PROGRAM, [`${cluster.folder}/store`]);
    assertEquals(await program.code, 0, program.stderr + program.text);
    assertEquals(program.text, "65534,65534,true,true,false\n".repeat(3));
  },
});
