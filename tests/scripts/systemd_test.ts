/** The units for systemd are understood by it. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const UNITS = new URL("../../scripts/systemd/", import.meta.url);

async function verify(folder: string, names: readonly string[]): Promise<string> {
  const command = new Deno.Command("systemd-analyze", {
    args: ["verify", ...names.map((name) => `${folder}/${name}`)],
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  return code === 0 ? said : `${said}\nexit code ${code}`;
}

const isThere = await new Deno.Command("sh", { args: ["-c", "command -v systemd-analyze"] })
  .output().then(({ success }) => success);

Deno.test({
  name: isThere
    ? "systemd has nothing to say about the units"
    : "systemd has nothing to say about the units (skipped: there is no systemd-analyze)",
  ignore: !isThere,
  fn: async () => {
    const folder = await Deno.makeTempDir({ prefix: "deploy-units-" });
    try {
      const names = (await Array.fromAsync(Deno.readDir(UNITS))).map(({ name }) => name).sort();
      assertEquals(names, ["fabric-master.service", "fabric-node.service"]);
      for (const name of names) {
        const text = await Deno.readTextFile(new URL(name, UNITS));
        // The executable has to be there.
        const there = text.replace("=/usr/local/bin/fabric ", "=/bin/sh ");
        await Deno.writeTextFile(`${folder}/${name}`, there);
      }
      assertEquals(await verify(folder, names), "");
      // It does say something about what it does not know.
      const wrong = "[Service]\nExecStart=/bin/sh\nDelgate=yes\n";
      await Deno.writeTextFile(`${folder}/wrong.service`, wrong);
      const said = await verify(folder, ["wrong.service"]);
      assertEquals(said.includes("'Delgate'"), true, said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
