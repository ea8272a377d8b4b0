/** The commands of `fabric`, as OS processes, without a program to run. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { bridgeLink } from "../../src/cli/attached_run.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";
import { sha256 } from "../../src/store/sha256.ts";
import { deflate } from "../../src/wire/deflate.ts";
import { parseAddress } from "../../src/core/address.ts";
import { within } from "../within.ts";
import { PROTOCOL_VERSION } from "../../src/net/protocol.ts";
import { freePort } from "../free_port.ts";
import { isAlive, untilGone } from "../node/node_harness.ts";
import { dialBridge, endsWithin, Fabric, startCluster } from "./cluster.ts";

/** The environment of a fabric without the secret of the tests. */
const NO_SECRET = { env: { DEPLOY_SECRET_FILE: "" } };

/** A folder with a secret, and other files. */
async function makeFolder(): Promise<{ path: string; secret: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "deploy-fabric-" });
  const secret = `${path}/secret`;
  const made = await run(["secret", secret]);
  assertEquals(made.code, 0, made.err.join("\n"));
  return { path, secret, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Runs `fabric` to its end. */
async function run(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string } = {},
): Promise<{ code: number; out: readonly string[]; err: readonly string[] }> {
  const fabric = new Fabric(args, options);
  const { code } = await fabric.ended;
  return { code, out: fabric.out.filter((line) => line !== ""), err: fabric.err };
}

Deno.test("fabric secret prints 32 random bytes, another each time", async () => {
  const [one, two] = await Promise.all([run(["secret"]), run(["secret"])]);
  assertMatch(one.out[0] ?? "", /^deploy_secret_[0-9a-f]{72}$/);
  assertNotEquals(one.out[0], two.out[0]);
  assertEquals([one.code, two.code], [0, 0]);
});

Deno.test("fabric secret FILE writes it for the owner only, and never overwrites a file", async () => {
  await using folder = await makeFolder();
  const text = await Deno.readTextFile(folder.secret);
  assertMatch(text, /^deploy_secret_[0-9a-f]{72}\n$/);
  assertEquals((await Deno.stat(folder.secret)).mode! & 0o777, 0o600);
  const again = await run(["secret", folder.secret]);
  assertEquals(again.code, 1);
  assertEquals(await Deno.readTextFile(folder.secret), text);
  assertEquals(again.err.filter((line) => line !== "").length, 1);
});

Deno.test("without a secret nothing is bound, loopback neither: one line, and exit code 2", async () => {
  for (const args of [["127.0.0.1:0"], ["master", "127.0.0.1:0"], ["192.0.2.1:0"]]) {
    const { code, out, err } = await run(args, NO_SECRET);
    assertEquals([code, out], [2, []]);
    assertEquals(err.filter((line) => line !== ""), [
      "fabric: Cannot listen without a secret: anyone who can connect, also another user of this " +
      "machine, could run programs; make one with: fabric secret FILE, and give it to every part " +
      "with --secret-file FILE",
    ]);
  }
});

Deno.test("fabric with --insecure needs no secret, and warns at each start", async () => {
  await using folder = await makeFolder();
  const args = ["--insecure", "--store", `${folder.path}/store`, "127.0.0.1:0"];
  for (let start = 1; start <= 2; start++) {
    await using node = new Fabric(args, NO_SECRET);
    await node.line(/warn no secret: anyone who can reach 127\.0\.0\.1 can run programs here/);
    await node.ready("node");
  }
});

Deno.test("a secret that somebody thought up is refused, as is a damaged one: one line, and 2", async () => {
  await using folder = await makeFolder();
  const made = await Deno.readTextFile(folder.secret);
  const file = `${folder.path}/other`;
  for (
    const [text, said] of [
      ["correct horse battery staple", "make one with: fabric secret FILE"],
      ["0123456789abcdef".repeat(4), "make one with: fabric secret FILE"],
      [made.trimEnd().slice(0, -1), "copy the file again"],
    ] as const
  ) {
    await Deno.writeTextFile(file, text, { mode: 0o600 });
    const { code, err } = await run(["127.0.0.1:0", "--secret-file", file]);
    assertEquals(code, 2);
    assertEquals(err.filter((line) => line !== "").length, 1);
    assert(err[0]!.startsWith(`fabric: Cannot use the secret in ${file}: `), err[0]);
    assert(err[0]!.includes(said), err[0]);
    assert(!err[0]!.includes(text.trim()), "the text itself is not shown");
  }
});

for (
  const [what, args, said] of [
    ["an address that stands for all", ["0.0.0.0:0"], "means all addresses"],
    [
      "a master with a missing file",
      ["127.0.0.1:0", "/nowhere/nodes.toml"],
      "no such file",
    ],
    [
      "two nodes at one address",
      ["master", "127.0.0.1:7001", "1GiB", "1", "127.0.0.1:7001", "1GiB", "1"],
      "twice",
    ],
    [
      "a bridge that is not the master's",
      [
        "master",
        "127.0.0.1:0",
        "1GiB",
        "1",
        "127.0.0.1:7001",
        "1GiB",
        "1",
        "bridge",
        "127.0.0.1:0",
      ],
      "master's own node only",
    ],
    ["a missing secret", ["127.0.0.1:0", "--secret-file", "/nowhere/s"], "no such file"],
  ] as const
) {
  Deno.test(`fabric exits with 2 and reports what is wrong with ${what}`, async () => {
    const { code, err } = await run(args);
    assertEquals(code, 2);
    assert(err[0]!.startsWith("fabric: ") && err[0]!.includes(said), err[0]);
  });
}

Deno.test("fabric reports what is wrong in nodes.toml: file, node and field", async () => {
  await using folder = await makeFolder();
  const file = `${folder.path}/nodes.toml`;
  await Deno.writeTextFile(
    file,
    `[[nodes]]\nfabric_addr = "127.0.0.1:7001"\nmem = "a lot"\ncpu = 1\n`,
  );
  const { code, err } = await run(["127.0.0.1:7001", file]);
  assertEquals(code, 2);
  assert(err[0]!.includes(`${file}: node 1: mem is "a lot"`), err[0]);
});

Deno.test("two fabrics cannot have the same address: one line, exit 1", async () => {
  await using folder = await makeFolder();
  await using node = new Fabric(["127.0.0.1:0", "--store", folder.path]);
  const address = await node.ready("node");
  const { code, err } = await run([address, "--store", folder.path]);
  assertEquals(code, 1);
  assertEquals(err.filter((line) => line !== "").length, 1);
  assert(err[0]!.includes(`Cannot listen on ${address}`), err[0]);
});

Deno.test("nodes may start before and after the master, and come back", async () => {
  await using folder = await makeFolder();
  const store = ["--store", folder.path];
  await using early = new Fabric(["127.0.0.1:0", ...store]);
  const first = await early.ready("node");
  const second = `127.0.0.1:${freePort()}`;
  const nodes = [first, "1GiB", "1", second, "1GiB", "1"];
  const own = ["127.0.0.1:0", "1GiB", "1", "bridge", "127.0.0.1:0"];
  await using master = new Fabric(["master", ...own, ...nodes, ...store]);
  await master.line(new RegExp(`node ${first} is there`));
  await master.line(new RegExp(`waiting for node ${second}: nothing listens there`));
  await master.ready("bridge");

  const late = new Fabric([second, ...store]);
  await master.line(new RegExp(`node ${second} is there`));
  late.kill("SIGKILL");
  await late.ended;
  await master.line(new RegExp(`node ${second} closed the connection|node ${second} is gone`));
  const from = master.err.length;
  await using back = new Fabric([second, ...store]);
  await master.line(new RegExp(`node ${second} is there`), { from });
  await back.line(/the master connected/);
});

Deno.test("a master from a file has the nodes in it, in any order", async () => {
  await using folder = await makeFolder();
  const store = ["--store", folder.path];
  await using node = new Fabric(["127.0.0.1:0", ...store]);
  const other = await node.ready("node");
  const own = `127.0.0.1:${freePort()}`;
  const file = `${folder.path}/nodes.toml`;
  await Deno.writeTextFile(
    file,
    `[[nodes]]
fabric_addr = "${other}"
mem = "1 GiB"
cpu = 1.5

[[nodes]]
fabric_addr = "${own}" # the master's own
bridge_bind = "127.0.0.1:0"
mem = 1073741824
cpu = 2
`,
  );
  await using master = new Fabric([own, file, ...store]);
  assertEquals(await master.ready("master"), own);
  await master.line(new RegExp(`node ${other} is there, with 1 GiB and 1.5 cores`));
  await master.line(new RegExp(`node ${own} is there, with 1 GiB and 2 cores`));
  await master.ready("bridge");
});

Deno.test("a joining node is dialled, removed when it leaves, and announces itself again", async () => {
  await using folder = await makeFolder();
  const store = ["--store", folder.path];
  await using master = new Fabric([
    ...["master", "127.0.0.1:0", "1GiB", "1", "bridge", "127.0.0.1:0"],
    ...store,
  ]);
  const address = await master.ready("master");
  const at = `127.0.0.1:${freePort()}`;
  const joining = new Fabric(["join", at, address, "3GiB", "3", ...store]);
  const node = await joining.ready("node");
  await master.line(new RegExp(`node ${node} is there, with 3 GiB and 3 cores`));
  await joining[Symbol.asyncDispose]();
  const from = master.err.length;
  await using again = new Fabric(["join", node, address, ...store]);
  await master.line(new RegExp(`node ${node} joins`), { from });
  await master.line(new RegExp(`node ${node} is there`), { from });
  assertEquals(await again.ready("node"), node);
});

Deno.test("a second master is refused, with one line at both ends", async () => {
  await using folder = await makeFolder();
  const store = ["--store", folder.path];
  await using node = new Fabric(["127.0.0.1:0", ...store]);
  const address = await node.ready("node");
  const args = ["master", "127.0.0.1:0", "1GiB", "1", "bridge", "127.0.0.1:0"];
  await using first = new Fabric([...args, address, "1GiB", "1", ...store]);
  await first.line(new RegExp(`node ${address} is there`));
  await using second = new Fabric([...args, address, "1GiB", "1", ...store]);
  await second.line(new RegExp(`waiting for node ${address}: the node already has a master`));
  await node.line(/refused the master 127\.0\.0\.1:\d+: the node already has a master/);
});

Deno.test("a wrong or missing secret is reported in one line at both ends", async () => {
  await using folder = await makeFolder();
  await using other = await makeFolder();
  const store = ["--store", folder.path];
  await using node = new Fabric(["127.0.0.1:0", "--secret-file", folder.secret, ...store]);
  const address = await node.ready("node");
  const args = [
    ...["master", "127.0.0.1:0", "1GiB", "1", "bridge", "127.0.0.1:0", address, "1GiB", "1"],
    ...store,
  ];
  await using wrong = new Fabric([...args, "--secret-file", other.secret]);
  await wrong.line(
    new RegExp(`waiting for node ${address}: the other side has a different secret`),
  );
  await node.line(/refused a connection from 127\.0\.0\.1:\d+: it has a different secret/);
  await using none = new Fabric([...args, "--insecure"], NO_SECRET);
  await none.line(new RegExp(`waiting for node ${address}: .*this side has none`));
  // The right secret is still accepted, also from the environment.
  const env = { DEPLOY_SECRET_FILE: folder.secret };
  await using right = new Fabric(args, { env });
  await right.line(new RegExp(`node ${address} is there`));
  const text = await Deno.readTextFile(folder.secret);
  for (const { out, err } of [node, wrong, none, right]) {
    assert(!out.concat(err).some((line) => line.includes(text.trim())));
  }
});

Deno.test("malformed input on the ports affects nothing else, and is reported once", async () => {
  // Without TLS, so that it reaches the handshake.
  const options = ["--plain"];
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }], options });
  for (const text of [cluster.bridge, cluster.addresses[0]!]) {
    const { host, port } = parseAddress(text)!;
    for (let count = 0; count < 5; count++) {
      const conn = await Deno.connect({ hostname: host, port });
      const rubbish = crypto.getRandomValues(new Uint8Array(64 * 1024));
      rubbish[0] = 0; // neither a protocol's that it knows by that, nor its own
      await conn.write(rubbish);
      await conn.read(new Uint8Array(1)).catch(() => null); // it is closed or reset
      conn.close();
    }
    const old = await Deno.connect({ hostname: host, port });
    await old.write(new Uint8Array([...new TextEncoder().encode("DPLY"), PROTOCOL_VERSION + 1]));
    await old.write(new Uint8Array(34));
    const answer = new Uint8Array(1);
    await old.read(answer);
    assertEquals(answer[0], PROTOCOL_VERSION);
    old.close();
  }
  const refusals = () => cluster.master.err.filter((line) => line.includes("not of this protocol"));
  // One of the bridge, which writes its lines itself, and one of the node.
  await within(60_000, () => refusals().length >= 2, () => cluster.master.err.join("\n"));
  (await dialBridge(cluster.bridge, { plain: true })).close();
  assertEquals(refusals().length, 2, cluster.master.err.join("\n"));
});

Deno.test("a piece that cannot be inflated closes its sender's connection, and affects nothing else", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  const bytes = new TextEncoder().encode("await 0;\n".repeat(1_000));
  const hash = await sha256(bytes);
  const spec = encodeRunSpec({
    ...{
      kind: "bundle",
      name: "main.ts",
      main: "main.js",
      cwd: "",
      args: [],
      env: {},
      tree: EMPTY_TREE,
    },
    manifest: { size: bytes.length, pieces: [hash] },
  });
  const offer = async () => {
    const link = bridgeLink(await dialBridge(cluster.bridge));
    void link.send({ type: "offer", spec });
    const messages = link.messages();
    assertEquals((await messages.next()).value, { type: "need", pieces: [hash], last: true });
    return { link, messages };
  };
  const rubbish = new Uint8Array(100).fill(255);
  const bomb = (await deflate(new Uint8Array(64 * 1024 * 1024)))!;
  for (const wrong of [rubbish, bomb]) {
    const { link, messages } = await offer();
    void link.send({ type: "deflated-piece", hash, bytes: wrong });
    assertEquals((await messages.next()).done, true);
    await cluster.master.line(
      new RegExp(`dropped deploy at \\S+: Cannot inflate ${wrong.length} bytes: `),
    );
  }
  {
    // An invalid piece is refused as if it had not been deflated.
    const { link, messages } = await offer();
    void link.send({
      ...{ type: "run", name: "x", by: "me@here" },
      ...{ resources: {}, graceMs: 0, detached: false },
    });
    void link.send({ type: "deflated-piece", hash, bytes: (await deflate(bytes.slice(9)))! });
    const answer = (await messages.next()).value;
    assert(answer?.type === "refused");
    assertMatch(answer.why, /^Cannot accept a piece: it has 8991 bytes, expected 9000$/);
    link.drop();
  }
  const { link } = await offer();
  link.drop();
});

Deno.test("a killed bridge is restarted on its port", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  const bridges = await childrenOf(cluster.master.pid);
  assertEquals(bridges.length, 1);
  const from = cluster.master.out.length;
  Deno.kill(bridges[0]!, "SIGKILL");
  await cluster.master.line(/the bridge ended \(SIGKILL\); restarting it/);
  assertEquals(await cluster.master.ready("bridge", { from }), cluster.bridge);
});

Deno.test("the bridge ends when its fabric is killed", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  const [bridge] = await childrenOf(cluster.master.pid);
  cluster.master.kill("SIGKILL");
  await untilGone([bridge!], 5_000);
});

Deno.test("SIGTERM and SIGINT end a cluster within 5 s, with exit code 0 and nothing left", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using cluster = await startCluster({
      nodes: [{ mem: "1GiB", cpu: 1 }, { mem: "1GiB", cpu: 1 }],
    });
    const fabrics = [cluster.master, ...cluster.nodes];
    const [bridge] = await childrenOf(cluster.master.pid);
    for (const fabric of fabrics) fabric.kill(signal);
    await endsWithin(5_000, fabrics);
    assert(!isAlive(bridge!));
  }
});

Deno.test("fabric dev is a whole cluster, and prints how to deploy to it", async () => {
  await using folder = await makeFolder();
  await using dev = new Fabric([
    ...["dev", "--nodes", "2", "--mem", "1GiB", "--cpu", "0.5", "--bridge", "127.0.0.1:0"],
    ...["--store", folder.path],
  ]);
  const bridge = await dev.ready("bridge");
  await dev.line(new RegExp(`run a program with: deploy ${bridge} main\\.ts`));
  const master = await dev.ready("master");
  await dev.line(new RegExp(`node ${master} is there, with 1 GiB and 0.5 cores`));
  const nodes = () => dev.out.filter((line) => line.startsWith("ready node"));
  await within(60_000, () => nodes().length === 2, () => dev.out.join("\n"));
});

Deno.test("fabric --format json prints JSON, one object a line", async () => {
  await using folder = await makeFolder();
  await using master = new Fabric([
    ...["master", "127.0.0.1:0", "1GiB", "1", "bridge", "127.0.0.1:0", "--format", "json"],
    ...["--store", folder.path],
  ]);
  const ready = await master.line(/"part":"master"/, { stream: "out" });
  const { time: _, ...fields } = JSON.parse(ready.input);
  const { address } = fields;
  assertEquals(fields, { event: "ready", part: "master", address });
  await master.line(new RegExp(`node ${address} is there`));
  for (const said of [...master.out, ...master.err]) if (said !== "") JSON.parse(said);
});

/** The ids of the running child processes of `pid`. */
async function childrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => ""); // it has ended
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(parent) === pid && state !== "Z") children.push(Number(name));
  }
  return children;
}
