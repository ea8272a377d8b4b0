/** Whose stdin is whose: what the first process reads, and what is left for others. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";
import { commandFor, way } from "./ways.ts";

/** Runs a shell's script in a folder with a program, which is started by `"$@"`. */
async function shell(script: string, source: string): Promise<string> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-test-" }));
  try {
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `import { init } from "deploy"; await init();\n${source}`,
    );
    await Deno.writeTextFile(`${directory}/abc`, "a\nb\nc\n");
    const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
    const options = { args: [], flags: ["-A"], env: {}, deno, format: "human" } as const;
    const command = await commandFor(directory, options);
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", script, "sh", command.path, ...command.args],
      cwd: directory,
      env: command.env,
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.timeout(120_000),
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a program that does not read its stdin leaves it to whoever reads it next", async () => {
  const text = await shell(
    `while read line; do echo "line $line"; "$@"; done < abc`,
    `console.log("ran");`,
  );
  assertEquals(text, "line a\nran\nline b\nran\nline c\nran\n");
});

Deno.test({
  name: "a program that reads a part of its stdin leaves the rest",
  ignore: way === "deployed",
  fn: async () => {
    const text = await shell(
      `cat abc | ("$@"; cat)`,
      `const bytes = new Uint8Array(2);
      console.log(Deno.stdin.readSync(bytes), new TextDecoder().decode(bytes).trim());`,
    );
    assertEquals(text, "2 a\nb\nc\n");
  },
});

/** A program at a terminal of its own; gives what the terminal shows. `answers` are typed when `asked` is shown. */
async function atTerminal(
  source: string,
  answers: readonly { asked: string; typed: string }[],
): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "deploy-test-" });
  try {
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `import { init } from "deploy"; await init();\n${source}`,
    );
    const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
    const options = { args: [], flags: ["-A"], env: {}, deno, format: "human" } as const;
    const command = await commandFor(directory, options);
    const words = [command.path, ...command.args].join(" ");
    const child = new Deno.Command("script", {
      args: ["-qec", words, "/dev/null"],
      cwd: directory,
      env: { SHELL: "/bin/sh", ...command.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      signal: AbortSignal.timeout(120_000),
    }).spawn();
    const writer = child.stdin.getWriter();
    let shown = "";
    let next = 0;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      shown += text;
      const answer = answers[next];
      if (answer === undefined || !shown.includes(answer.asked)) continue;
      next++;
      await writer.write(new TextEncoder().encode(answer.typed));
    }
    await writer.close().catch(() => {}); // it has ended
    await child.status;
    return shown;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const AT_TERMINAL = Deno.build.os !== "linux" || way === "deployed";

Deno.test({
  name: "at a terminal, the first process asks, as without init()",
  ignore: AT_TERMINAL,
  fn: async () => {
    const shown = await atTerminal(
      `
      const name = prompt("Your name?");
      const sure = confirm("Sure?");
      Deno.stdin.setRaw(true);
      console.log("A key?");
      const key = new Uint8Array(1);
      await Deno.stdin.read(key);
      Deno.stdin.setRaw(false);
      console.log(JSON.stringify({ name, sure, key: key[0], terminal: Deno.stdin.isTerminal() }));`,
      [
        { asked: "Your name?", typed: "Bob\r" },
        { asked: "Sure?", typed: "y\r" },
        { asked: "A key?", typed: "q" },
      ],
    );
    assertStringIncludes(shown, `{"name":"Bob","sure":true,"key":113,"terminal":true}`);
  },
});
