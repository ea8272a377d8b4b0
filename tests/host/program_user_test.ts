/** Programs that run as another user than their node. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { asUser } from "../../src/host/as_user.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import {
  lackedCapabilities,
  mapsAllGroups,
  parseGroups,
  parsePasswd,
} from "../../src/host/program_user.ts";
import { ProgramError } from "../../src/host/program.ts";

const FOUND = { name: "nobody", uid: 65534, gid: 65534, home: "/nonexistent" };
const NOBODY = { ...FOUND, groups: [65534], marksGroups: true };

/** As its caller makes it. */
const MARK = "3000000001,3000000002";

Deno.test("parsePasswd() reads a line of the system's list of users", () => {
  const line = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
  assertEquals(parsePasswd(line), FOUND);
  assertEquals(parsePasswd(""), undefined);
  assertEquals(parsePasswd("nobody:x:-1:65534:::"), undefined);
});

Deno.test("parseGroups() reads the list of a user's groups", () => {
  assertEquals(parseGroups("65534\n"), [65534]);
  assertEquals(parseGroups("1000 4 27\n"), [1000, 4, 27]);
  assertEquals(parseGroups(""), undefined);
});

Deno.test("mapsAllGroups() says whether groups of any number may be given to a process", () => {
  assertEquals(mapsAllGroups("         0          0 4294967295\n"), true);
  assertEquals(mapsAllGroups("         0     100000      65536\n"), false);
  assertEquals(mapsAllGroups("0 0 1000\n1000 1000 4294966295\n"), false);
});

Deno.test("lackedCapabilities() says what a process lacks to run others as another user", () => {
  const status = (effective: string, ambient: string) =>
    `Name:\tfabric\nCapEff:\t${effective}\nCapBnd:\t000001ffffffffff\nCapAmb:\t${ambient}\n`;
  const all = "000001ffffffffff";
  const none = "0000000000000000";
  assertEquals(lackedCapabilities(status(all, none), true), []);
  assertEquals(lackedCapabilities(status("000001ffffffff7f", none), true), ["CAP_SETUID"]);
  assertEquals(lackedCapabilities(status(all, all), false), []);
  assertEquals(lackedCapabilities(status(all, none), false).length, 5, "what it starts has none");
});

Deno.test("asUser() keeps variables of a program from what is not yet that user, and from its words", () => {
  const given = { LD_PRELOAD: "/evil.so", TOKEN: "secret" };
  const { words, env } = asUser(NOBODY, ["/p"], { cwd: "/", env: given, mark: MARK });
  assertEquals(Object.values(env).slice(1), ["LD_PRELOAD=/evil.so", "TOKEN=secret"]);
  assert(Object.keys(env).every((name) => name === "PATH" || name.startsWith("DEPLOY_VARIABLE_")));
  assert(!words.join(" ").includes("secret"));
  for (const name of ["a.b", "UID", "OPTIND", "DEPLOY_VARIABLE_0", "x=y", "BASH_FUNC_chown%%"]) {
    assertThrows(
      () => asUser(NOBODY, ["/p"], { cwd: "/", env: { [name]: "1" }, mark: MARK }),
      ProgramError,
      `variable ${name} of`,
    );
  }
});

const ignore = Deno.build.os !== "linux" || Deno.uid() !== 0;

Deno.test({
  name: "a child is that user, with its own variables, no privileges, and pipes that it may open",
  ignore,
  fn: async () => {
    // What a shell that is still root would carry out.
    const env = { PATH: "/usr/bin:/bin", "ENV": "/tmp/none", QUOTED: `a'b "$HOME"\n` };
    const script =
      'id -u; id -G; grep -E "^(NoNewPrivs|CapEff)" /proc/self/status; echo again >/dev/stdout; ' +
      'echo "$QUOTED"; tr "\\0" "\\n" </proc/self/environ | grep -c DEPLOY_VARIABLE_; cat /dev/stdin';
    for (const oneOutput of [false, true]) {
      const before = Deno.statSync("/dev/null").uid;
      const child = new ChildProcess(
        { command: "/bin/sh", args: ["-c", script], cwd: "/", env, user: NOBODY, oneOutput },
        { env: { ADDED: "1" }, stdin: "piped", mark: MARK },
      );
      const writer = child.stdin!.getWriter();
      await writer.write(new TextEncoder().encode("typed\n"));
      await writer.close();
      let text = "";
      child.release((_fd, bytes) => {
        text += new TextDecoder().decode(bytes);
        return Promise.resolve();
      });
      assertEquals(await child.exited, { code: 0 });
      await child.drained[1];
      assertEquals(
        text,
        [
          ...[
            "65534",
            "65534 3000000001 3000000002",
            "CapEff:\t0000000000000000",
            "NoNewPrivs:\t1",
            "again",
          ],
          ...[`a'b "$HOME"`, "", "0", "typed", ""],
        ].join("\n"),
      );
      assertEquals(Deno.statSync("/dev/null").uid, before, "only pipes are given away");
    }
  },
});

Deno.test({
  name: "a child is not led into a folder that only the user of its node may enter",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir(); // of root alone
    await Deno.mkdir(`${folder}/open`, { mode: 0o755 });
    const link = `/tmp/led-${crypto.randomUUID()}`;
    await Deno.symlink(`${folder}/open`, link);
    const child = new ChildProcess(
      { command: "/bin/sh", args: ["-c", "ls; echo there"], cwd: link, env: {}, user: NOBODY },
      { env: {}, stdin: "null", mark: MARK },
    );
    const ended = await child.exited;
    await Promise.all([child.drained[1], child.drained[2]]);
    const said = child.held.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
    await Deno.remove(link);
    await Deno.remove(folder, { recursive: true });
    assertEquals(ended, { code: 126 }, said);
    assert(!said.includes("there"), said);
  },
});

Deno.test({
  name: "a program that cannot be executed is not run as the user of the node instead",
  ignore,
  fn: () => {
    assertThrows(
      () =>
        new ChildProcess(
          { command: "/none", args: [], cwd: "/", env: {}, user: NOBODY },
          { env: {}, stdin: "null", mark: MARK },
        ),
      ProgramError,
      "Cannot run /none as nobody",
    );
  },
});
