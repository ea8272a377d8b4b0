// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/core/usage_error.ts";
import { parseNodesFile } from "../../src/fabric/nodes_file.ts";

const GiB = 1024 ** 3;

Deno.test("parseNodesFile() reads the nodes in their order", () => {
  const text = `
[[nodes]]
fabric_addr = "10.0.0.1:9999"   # the master's own
bridge_bind = "10.0.0.1:8888"
mem = "100 GiB"
cpu = 16

[[nodes]]
fabric_addr = "[fd00::2]:9999"
mem = 1073741824
cpu = 0.5
`;
  assertEquals(parseNodesFile(text, "nodes.toml"), [
    {
      address: { host: "10.0.0.1", port: 9999 },
      bridge: { host: "10.0.0.1", port: 8888 },
      resources: { mem: 100 * GiB, cpu: 16 },
    },
    {
      address: { host: "fd00::2", port: 9999 },
      bridge: undefined,
      resources: { mem: GiB, cpu: 0.5 },
    },
  ]);
});

Deno.test("parseNodesFile() leaves resources that are left out to the node", () => {
  const [node] = parseNodesFile('[[nodes]]\nfabric_addr = "10.0.0.1:9999"\n', "nodes.toml");
  assertEquals(node?.resources, undefined);
});

const GOOD = { fabric_addr: '"10.0.0.1:9999"', mem: '"1GiB"', cpu: "1" };

for (
  const [change, said] of [
    [{ fabric_addr: undefined }, "nodes.toml: node 2: fabric_addr is missing"],
    [{ fabric_addr: '"10.0.0.1"' }, 'nodes.toml: node 2: fabric_addr is "10.0.0.1"'],
    [{ fabric_addr: "9999" }, "nodes.toml: node 2: fabric_addr is 9999"],
    [{ fabric_addr: '"10.0.0.2:9999"' }, "nodes.toml: two nodes have the address 10.0.0.2:9999"],
    [{ bridge_bind: "true" }, "nodes.toml: node 2: bridge_bind is true"],
    [{ mem: undefined }, "nodes.toml: node 2: mem is missing"],
    [{ mem: '"a lot"' }, 'nodes.toml: node 2: mem is "a lot"'],
    [{ mem: "-1" }, "nodes.toml: node 2: mem is -1"],
    [{ mem: "16" }, 'nodes.toml: node 2: mem is "16", which means 16 bytes; expected a unit'],
    [{ mem: "1.5" }, "nodes.toml: node 2: mem is 1.5"],
    [{ cpu: undefined }, "nodes.toml: node 2: cpu is missing"],
    [{ cpu: '"16"' }, 'nodes.toml: node 2: cpu is "16"'],
    [{ cpu: "0" }, "nodes.toml: node 2: cpu is 0"],
    [{ cpu: "inf" }, "nodes.toml: node 2: cpu is Infinity"],
    [{ cpu: "nan" }, "nodes.toml: node 2: cpu is NaN"],
    [{ cpus: "4" }, 'nodes.toml: node 2: "cpus" is unknown; expected fabric_addr'],
  ] as const
) {
  Deno.test(`parseNodesFile() reports: ${said}`, () => {
    const table = (fields: Record<string, string | undefined>) =>
      "[[nodes]]\n" + Object.entries(fields).filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name} = ${value}\n`).join("");
    const first = table({ ...GOOD, fabric_addr: '"10.0.0.2:9999"' });
    const text = first + table({ ...GOOD, ...change });
    assertThrows(() => parseNodesFile(text, "nodes.toml"), UsageError, said);
  });
}

Deno.test("parseNodesFile() refuses anything but a list of nodes, in one line", () => {
  for (
    const [text, said] of [
      ["", "it has no node"],
      ["nodes = []", "it has no node"],
      ["nodes = [1]", "node 1 is not a table"],
      ["[nodes]\nmem = 1", "it has no node"],
      ["[[node]]\nmem = 1", '"node" is unknown; expected [[nodes]]'],
      ["[[nodes]\n", "nodes.toml is not TOML"],
      ["mem = = 1", "nodes.toml is not TOML"],
    ] as const
  ) {
    const error = assertThrows(() => parseNodesFile(text, "nodes.toml"), UsageError, said);
    assertEquals(error.message.split("\n").length, 1);
  }
});
