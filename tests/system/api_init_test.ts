/** init(), spawnable() and the Pid, as programs see them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { init } from "deploy";
import { IMPORTS, testRows } from "./api.ts";
import { runProgram } from "./helpers.ts";

testRows([
  {
    name: "init() resolves once in a run, with undefined",
    source: `say(String(await init()));`,
    says: "undefined\n",
  },
  {
    name: "init() never resolves in a spawned process, whose function runs after the whole prelude",
    source: `
      globalThis.count = 0;
      function work() { say("work", count); }
      globalThis.count++;
      await init({ functions: { work } });
      say("main", count);
      await wait(await spawn(work));`,
    says: "main 1\n",
    others: ["work 1\n"],
  },
  {
    name: "init() called twice throws, also at once, and the program goes on",
    source: `
      const first = init();
      const second = failure(() => init());
      await first;
      for (const again of [async () => { throw await second; }, () => init()]) {
        const error = await failure(again);
        say(error instanceof Error, error.message.includes("init() twice"));
      }`,
    says: "true true\ntrue true\n",
  },
  {
    name: "before init() everything that needs it says to await it",
    source: `
      const some = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100";
      const work = spawnable("test/work", () => {});
      const attempts = { spawn: () => spawn(work), trySpawn: () => trySpawn(work), pid, resources,
        Sender: () => new Sender(some), Receiver: () => new Receiver(some),
        Acceptor: () => new Acceptor("name"), wait: () => wait(some),
        selectableWait: () => selectableWait(some), kill: () => kill(some) };
      const said = [];
      for (const [name, attempt] of Object.entries(attempts)) {
        const error = await failure(attempt);
        said.push([name, error instanceof Error, error.message.includes("await init() first")]);
      }
      await init();
      for (const line of said) say(...line);`,
    says: [
      ...["spawn", "trySpawn", "pid", "resources", "Sender", "Receiver", "Acceptor", "wait"],
      ...["selectableWait", "kill"],
    ].map((name) => `${name} true true\n`).join(""),
  },
  {
    name: "spawnable() gives its function back; a name stands for one function, however registered",
    source: `
      const one = () => {}, two = () => {};
      const said = [spawnable("test/one", one) === one, spawnable("test/one", one) === one];
      said.push((await failure(() => spawnable("test/one", two))).message);
      await init({ functions: { "test/one": one, again: one } });
      said.push((await failure(() => spawnable("again", two))).name);
      for (const each of said) say(each);
      say(await wait(await spawn(one)));`,
    says:
      `true\ntrue\nCannot register two functions as "test/one": use a different name for each, ` +
      `such as "package/function"\nError\n{"code":0}\n`,
  },
  {
    name: "a Pid is a primitive string, a key of a Map, and the same in every process",
    source: `
      async function work(parent, first) {
        await using sender = new Sender(parent);
        await sender.send([pid(), first === parent, parent]);
      }
      await init({ functions: { work } });
      const mine = pid(), names = new Map([[mine, "first"]]);
      const other = await spawn(work, mine);
      const [told, same, parent] = await new Receiver(other).recv();
      say(typeof mine, told === other, same, names.get(parent), isPid(told), isPid(told + "x"));
      say(/^[0-9a-f]{32}@(\\[[0-9a-f:]+\\]|[^:@]+):[1-9]\\d*$/.test(other), mine === pid());
      say(shortPid(other) === other.slice(0, 7), mine !== other);`,
    says: "string true true first true false\ntrue true\ntrue true\n",
  },
  {
    name: "isPid() knows the text form, IPv6 hosts too",
    source: `
      await init();
      const id = "8a3be21f00d1c0ffee8a3be21f00d1c0";
      for (const text of [id + "@10.0.0.1:1", id + "@[fd00::1]:65535", id + "@host-1.example:80",
        id + "@fd00::1:80", id + "@h:65536", id + "@h:0", id.toUpperCase() + "@h:1", id + "@h",
        id.slice(1) + "@h:1", " " + id + "@h:1", "", 7, null, undefined, new String(id + "@h:1")])
        say(isPid(text));`,
    says: "true\ntrue\ntrue\n" + "false\n".repeat(12),
  },
  {
    name:
      "resources(): the defaults, what init() asks, and what spawn() asks; units and parseMem()",
    source: `
      function work() { say(resources()); }
      await init({ functions: { work }, resources: { cpu: 0.25 } });
      say(resources(), DEFAULT_RESOURCES, KiB, MiB, GiB);
      await wait(await spawn(work));
      await wait(await spawn(work, null, { mem: 7 * MiB, cpu: 0 }));
      say(["100 MiB", "400GiB", "1.5 GB", "512"].map(parseMem));
      say((await failure(() => parseMem("much"))).name);`,
    says: `{"mem":104857600,"cpu":0.25} {"mem":104857600,"cpu":0.0625} 1024 1048576 1073741824\n` +
      `[104857600,429496729600,1500000000,512]\nSyntaxError\n`,
    others: [`{"mem":104857600,"cpu":0.0625}\n`, `{"mem":7340032,"cpu":0}\n`],
  },
]);

/** Programs whose `init()` does not resolve, and the messages about them. */
const LINES: Record<string, [source: string, line: RegExp]> = {
  "init() that is not awaited": [
    `init();`,
    /^deploy: Cannot run: init\(\) was called but not awaited; write `await init\(…\)` at the top level of/m,
  ],
  "init() that is awaited only later": [
    `const ready = init(); await sleep(50); await ready;`,
    /^deploy: Cannot run: init\(\) was called but not awaited; /m,
  ],
  "a prelude that listens on a port": [
    // Any port at first, which is what the system has free, and the same in each process after that.
    `let port = 0;
    try { port = Number(Deno.readTextFileSync("port")); } catch {}
    const listener = Deno.listen({ port });
    Deno.writeTextFileSync("port", String(listener.addr.port));
    await init();`,
    /before `await init\(\)` runs in every process of the program, so only the first one can bind/,
  ],
};

for (const [what, [source, line]] of Object.entries(LINES)) {
  Deno.test(`${what} ends the program with a line that says what to do`, async () => {
    const run = await runProgram(IMPORTS + source);
    assertEquals(run.code, 1);
    assertMatch(run.raw.stderr, line);
  });
}

Deno.test("init() in deno test names deploy/testing", async () => {
  await assertRejects(() => init(), Error, "runProgram() of deploy/testing");
});
