// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { runtimeNeeds } from "../../src/host/runtime_needs.ts";

const LOCAL = {
  sockets: {
    folder: "/tmp/dpl",
    node: "/tmp/dpl/node",
    own: "/tmp/dpl/0123456789abcdef0123456789abcdef",
  },
  control: "/tmp/dpl/node",
  listensAt: [],
  hasPorts: false,
  peerHosts: [],
  willPath: "/tmp/w.will",
};
const VARIABLES = ["DEPLOY_PROCESS", "DEPLOY_LOG"];

Deno.test("a process of a local run needs its sockets, and no other network", () => {
  assertEquals(runtimeNeeds(LOCAL, true), {
    read: ["/tmp/dpl"],
    write: ["/tmp/dpl", "/tmp/w.will"],
    net: [
      "unix:/tmp/dpl/node",
      "unix:/tmp/dpl/0123456789abcdef0123456789abcdef",
      "unix:/tmp/dpl/0123456789abcdef.to",
    ],
    env: VARIABLES,
  });
  assertEquals(runtimeNeeds(LOCAL, false).net, []);
});

Deno.test("a process on a node needs a port, and the hosts of the other nodes", () => {
  const node = { ...LOCAL, listensAt: ["node1", "10.0.0.1"], peerHosts: ["10.0.0.2", "fd00::2"] };
  const peers = ["10.0.0.2", "[fd00::2]"];
  assertEquals(runtimeNeeds(node, false).net, [...peers, "node1:0", "10.0.0.1:0"]);
  // It may be any of these ports.
  assertEquals(runtimeNeeds({ ...node, hasPorts: true }, false).net, [
    ...peers,
    "node1",
    "10.0.0.1",
  ]);
});

Deno.test("without sockets, a process needs its node's port, and the ports of its host", () => {
  const alone = {
    ...LOCAL,
    sockets: undefined,
    control: "127.0.0.1:4000",
    listensAt: ["127.0.0.1"],
  };
  assertEquals(runtimeNeeds({ ...alone, willPath: null }, true), {
    read: [],
    write: [],
    net: ["127.0.0.1:4000", "127.0.0.1"],
    env: VARIABLES,
  });
});
