/** Runs the programs in `examples/` as a user would. */

const ROOT = `${import.meta.dirname}/..`;
const EXAMPLES = `${ROOT}/examples`;

/** An example and the first sentence of the comment on top of it. */
export interface Example {
  readonly name: string;
  readonly summary: string;
}

/** All examples, by name. */
export async function listExamples(): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const { name, isFile } of Deno.readDir(EXAMPLES)) {
    if (!isFile || !name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(`${EXAMPLES}/${name}`);
    const comment = /^\/\*\*(.*?)\*\//s.exec(text)?.[1] ?? "";
    const paragraph = comment.replace(/^\s*\* ?/gm, "").trim().split("\n\n")[0] ?? "";
    const summary = paragraph.replace(/\s+/g, " ").replace(/([.:]) .*/, "$1").replace(/:$/, ".");
    examples.push({ name: name.slice(0, -".ts".length), summary });
  }
  return examples.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Runs an example on this terminal, with the deno that runs this, and gives its exit code. */
export async function runExample(name: string, args: readonly string[]): Promise<number> {
  // Ctrl-C also reaches the example, which ends its processes and reports it. Ending earlier would
  // hide that.
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", `${ROOT}/deno.json`, `${EXAMPLES}/${name}.ts`, ...args],
    }).spawn();
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
  }
}
