/** Metrics as Prometheus reads them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { exposition, Histogram } from "../../src/core/metrics.ts";

Deno.test("exposition() puts samples of one name together, and escapes what labels contain", () => {
  const nodes = (node: string, value: number) => ({
    ...{ name: "deploy_node_cores", help: "Cores", type: "gauge" } as const,
    samples: [{ labels: { node, at: 'a "b"\\\n' }, value }],
  });
  const text = exposition([
    nodes("one", 1.5),
    { name: "deploy_runs_total", help: "All\nruns", type: "counter", samples: [{ value: 3 }] },
    nodes("two", Infinity),
    { name: "deploy_none", help: "Nothing", type: "gauge", samples: [] },
  ]);
  assertEquals(
    text,
    String.raw`# HELP deploy_node_cores Cores
# TYPE deploy_node_cores gauge
deploy_node_cores{node="one",at="a \"b\"\\\n"} 1.5
deploy_node_cores{node="two",at="a \"b\"\\\n"} +Inf
# HELP deploy_runs_total All\nruns
# TYPE deploy_runs_total counter
deploy_runs_total 3
`,
  );
});

Deno.test("a Histogram counts the values up to each bound", () => {
  const times = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 2, 3]) times.observe(seconds);
  const text = exposition([{ name: "wait_seconds", help: "Waits", type: "histogram", of: times }]);
  assertEquals(
    text,
    `# HELP wait_seconds Waits
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.1"} 2
wait_seconds_bucket{le="1"} 3
wait_seconds_bucket{le="+Inf"} 5
wait_seconds_sum 5.65
wait_seconds_count 5
`,
  );
});
