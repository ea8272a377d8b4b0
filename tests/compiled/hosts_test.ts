/** A compiled `fabric`, on hosts with nothing else, and programs deployed from another host. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { writeNewSecret } from "../../src/fabric/secret_file.ts";
import { Fabric } from "../fabric/cluster.ts";
import type { JsonEvent } from "../system/helpers.ts";
import { type Host, Network, networkTest } from "../system/netns.ts";
import { compile } from "./compile.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Prints its host, and what it finds there, in a process on each of the hosts. */
const PROGRAM = `
import { init, MiB, Receiver, Sender, spawn } from "deploy";
interface Found { host: string; names: string[] }
async function look(parent) {
  const names = Array.from(Deno.readDirSync(import.meta.dirname!), ({ name }) => name);
  await using sender = new Sender<Found>(parent);
  await sender.send({ host: Deno.env.get("HOME") ?? "homeless", names });
}
await init({ functions: { look }, resources: { mem: 600 * MiB, cpu: 0 } });
const pid = await spawn(look, undefined, { mem: 600 * MiB, cpu: 0 });
await using receiver = new Receiver<Found>(pid);
const { host, names } = await receiver.recv();
console.log(host, names.length, import.meta.main, Deno.args.join());
`;

/** Copies a file into a folder of its own, in which a process without an environment starts. */
async function alone(path: string, host: Host, args: string[], secret: string): Promise<{
  fabric: Fabric;
  folder: string;
}> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-empty-" });
  await Deno.copyFile(path, `${folder}/fabric`);
  await Deno.copyFile(secret, `${folder}/secret`);
  const fabric = new Fabric([...args, "--store", `${folder}/store`, "--secret-file", "secret"], {
    compiled: `${folder}/fabric`,
    prefix: [...host.prefix, "env", "-i"],
    cwd: folder,
  });
  return { fabric, folder };
}

networkTest(
  "a compiled fabric needs nothing around it, for a bundle and for an executable",
  async () => {
    await using fabricFile = await compile("fabric.ts");
    await using deployFile = await compile("cli.ts");
    await using network = await Network.create(3);
    const [one, two, laptop] = network.hosts;
    const folder = await Deno.makeTempDir({ prefix: "deploy-program-" });
    const secret = `${folder}/secret`;
    await writeNewSecret(secret);
    const imports = { ...config.imports, deploy: `${ROOT}mod.ts` };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
    await Deno.writeTextFile(`${folder}/main.ts`, PROGRAM);
    const bridge = `${one!.address}:8888`;
    const group = ["1GiB", "1"];
    const node = await alone(fabricFile.path, two!, [two!.bind], secret);
    const args = ["master", one!.bind, ...group, "bridge", bridge, two!.bind, ...group];
    const master = await alone(fabricFile.path, one!, args, secret);
    try {
      await master.fabric.ready("bridge");
      for (const { bind } of [one!, two!]) await master.fabric.line(new RegExp(`${bind} is there`));
      for (const flags of [[], ["--release"]]) {
        const [path, ...prefix] = laptop!.prefix;
        const words = ["--format", "json", "--secret-file", "secret", bridge, "main.ts"];
        const { code, stdout, stderr } = await new Deno.Command(path!, {
          // There, deploy finds only the deno that it is given.
          args: [
            ...prefix,
            "env",
            `PATH=${folder}`,
            deployFile.path,
            ...flags,
            ...words,
            "--",
            "a",
            "b",
          ],
          cwd: folder,
          env: { DEPLOY_DENO: Deno.env.get("COMPILE_DENO") ?? Deno.execPath() },
          stdin: "null",
        }).output();
        const told = new TextDecoder().decode(stderr);
        assertEquals(code, 0, `${flags} ${told}\n${new TextDecoder().decode(stdout)}`);
        const events = new TextDecoder().decode(stdout).trimEnd().split("\n")
          .map((line) => JSON.parse(line) as JsonEvent);
        const text = events.map((event) =>
          event.event === "output" && "text" in event ? event.text : ""
        );
        assertEquals(text.join(""), "homeless 0 true a,b\n", told);
        const hosts = events.flatMap((event) =>
          event.event === "spawn" ? [/@(.*):/.exec(event.pid)?.[1]] : []
        );
        assertEquals(hosts.sort(), [one!.address, two!.address]);
      }
    } finally {
      await Promise.all([node.fabric, master.fabric].map((part) => part[Symbol.asyncDispose]()));
      for (const path of [folder, node.folder, master.folder]) {
        await Deno.remove(path, { recursive: true });
      }
    }
  },
);
