/** Deployed programs find their project on a node in the same form as here. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";

/** Prints its place in its project, and what it reads by relative paths. */
const TELLS = `
import { init, spawn, wait } from "deploy";
const place = () => {
  const root = import.meta.dirname!.replace(/\\/src$/, "");
  const { pathname } = new URL(import.meta.url);
  return {
    filename: import.meta.filename!.slice(root.length),
    url: decodeURIComponent(pathname).slice(root.length),
    cwd: Deno.cwd().slice(root.length),
    here: [...Deno.readDirSync(".")].map(({ name }) => name).sort(),
    words: Deno.readTextFileSync("../data/words.txt"),
    beside: Deno.readTextFileSync(new URL("./beside 1.txt", import.meta.url)),
  };
};
function child() {
  console.log(JSON.stringify(place()));
}
await init({ functions: { child } });
console.log(JSON.stringify(place()));
await wait(await spawn(child));
`;

Deno.test("a deployed program", async (t) => {
  await using cluster = await startCluster();
  await using project = await Project.make({
    "src/main.ts": TELLS,
    "src/beside 1.txt": "beside",
    "tools/note.txt": "",
    "data/words.txt": "words",
  }, { exclude: ["odd/*.tmp"] });
  const root = project.folder;

  await t.step("has its place and its working directory in the project, as here", async () => {
    const include = ["../data", "../src/beside 1.txt"].flatMap((path) => ["--include", path]);
    const args = [...include, cluster.bridge, "../src/main.ts"];
    const { code, stdout, stderr } = await deploy(args, { cwd: `${root}/tools` });
    assertEquals(code, 0, stderr);
    const [first, child] = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(first, {
      filename: "/src/main.ts",
      url: "/src/main.ts",
      cwd: "/tools",
      here: [],
      words: "words",
      beside: "beside",
    });
    assertEquals(child, first);
  });

  await t.step(
    "has all of a folder, with its links and modes, and what cannot be there is named",
    async () => {
      const odd = `${root}/odd`;
      await Deno.mkdir(`${odd}/empty`, { recursive: true });
      await Deno.writeTextFile(`${odd}/script`, "#!/bin/sh\necho ran\n", { mode: 0o700 });
      await Deno.symlink("script", `${odd}/link`);
      await Deno.symlink("../data/words.txt", `${odd}/words`);
      await Deno.symlink("/nowhere", `${odd}/dangling`);
      await Deno.writeTextFile(`${odd}/left.log`, "");
      await Deno.writeTextFile(`${odd}/left.tmp`, "");
      const outside = `${import.meta.dirname}/helpers.ts`;
      await Deno.symlink(outside, `${odd}/outside`);
      await Deno.writeTextFile(`${odd}/.gitignore`, "*.log\n");
      assert(new Deno.Command("mkfifo", { args: [`${odd}/fifo`] }).outputSync().success);
      const source = `import { init } from "deploy"; await init();
      const { stdout } = await new Deno.Command("./odd/link").output();
      console.log(JSON.stringify({
        names: [...Deno.readDirSync("odd")].map(({ name }) => name).sort(),
        mode: Deno.statSync("odd/script").mode & 0o777,
        link: Deno.readLinkSync("odd/words"),
        words: Deno.readTextFileSync("odd/words"),
        ran: new TextDecoder().decode(stdout),
      }));`;
      await Deno.writeTextFile(`${root}/odd.ts`, source);
      const args = ["--include", "odd", "--exclude", "*ignore", cluster.bridge, "odd.ts"];
      const { code, stdout, stderr } = await deploy(args, { cwd: root });
      assertEquals(code, 0, stderr);
      assertEquals(JSON.parse(stdout), {
        names: ["empty", "link", "outside", "script", "words"],
        mode: 0o700,
        link: "../data/words.txt",
        words: "words",
        ran: "ran\n",
      });
      assertEquals(stderr.match(/^deploy: warning: .*$/gm), [
        "deploy: warning: odd/dangling is left out: it links to /nowhere, which does not exist",
        "deploy: warning: odd/fifo is left out: it is a FIFO",
        `deploy: warning: odd/outside links to ${outside}, outside of the project: that is shipped in its place`,
      ]);
    },
  );

  await t.step("has everything of its folder beside a file of its own name", async () => {
    await using other = await Project.make({
      "main.ts": `import { init } from "deploy"; await init();
        console.log(Deno.readTextFileSync("main.js"), Deno.readTextFileSync("main.ts").length > 0);`,
      "main.js": "built",
      ".git/config": "",
    });
    const args = ["--include", ".", cluster.bridge, "main.ts"];
    const { code, stdout, stderr } = await deploy(args, { cwd: other.folder });
    assertEquals([code, stdout], [0, "built true\n"], stderr);
    const dry = await deploy(["--dry-run", ...args], { cwd: other.folder });
    assertEquals(dry.code, 0, dry.stderr);
  });

  await t.step("finds thousands of files, which are sent once, and a changed one", async () => {
    const source = `import { init } from "deploy"; await init();
      let text = "";
      for (let i = 0; i < 2000; i++) text += Deno.readTextFileSync("many/" + i % 20 + "/" + i);
      console.log(text.length);`;
    await Deno.writeTextFile(`${root}/many.ts`, source);
    for (let index = 0; index < 2_000; index++) {
      const folder = `${root}/many/${index % 20}`;
      if (index < 20) await Deno.mkdir(folder, { recursive: true });
      Deno.writeTextFileSync(`${folder}/${index}`, `file ${index}\n`);
    }
    const args = ["--include", "many", cluster.bridge, "many.ts"];
    const first = await deploy(args, { cwd: root });
    assertEquals([first.code, first.stdout], [0, "18890\n"], first.stderr);
    const second = await deploy(args, { cwd: root });
    assertMatch(second.stderr, /the cluster had all of/);
    await Deno.writeTextFile(`${root}/many/7/1007`, `FILE 1007\n`);
    const third = await deploy(args, { cwd: root });
    const [, sent = ""] = /deploy: sent ([\d.]+) (?:B|KiB),/.exec(third.stderr) ?? [];
    assert(sent !== "", third.stderr);
    assertEquals([third.code, third.stdout], [0, "18890\n"]);
  });
});
