/** The fuzzer finds what it is there to find, and finds nothing in what there is. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { tryDecoder, tryFolder } from "../../scripts/fuzz/fuzz.ts";
import { hostile } from "../../scripts/fuzz/mutate.ts";

const SCRIPT = new URL("../../scripts/fuzz.ts", import.meta.url).pathname;
const VALID = [new Uint8Array([1, 2, 3, 4, 5, 6]), new TextEncoder().encode("hello")];

Deno.test("a seed makes the same inputs: valid ones, changed ones and noise", () => {
  const draw = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 200 }, () => hostile(VALID, random));
  };
  assertEquals(draw(7), draw(7));
  const inputs = draw(7).map((bytes) => bytes.toHex());
  const valid = VALID.map((bytes) => bytes.toHex());
  assert(inputs.some((input) => valid.includes(input)));
  assert(inputs.some((input) => !valid.includes(input)));
  assert(new Set(inputs).size > 100);
  // What they are made of is left as it was.
  assertEquals(VALID[0], new Uint8Array([1, 2, 3, 4, 5, 6]));
});

Deno.test("an error that is no refusal is a finding, with its input; a refusal is none", () => {
  const findings: string[] = [];
  const take = (bytes: Uint8Array) => {
    if (bytes.length < 5) throw new SyntaxError("too short");
    if (bytes[0] === 0xff) throw new RangeError("Invalid typed array length");
  };
  const decoder = { name: "a decoder", valid: VALID, take, refuses: [SyntaxError] };
  const { refused } = tryDecoder(decoder, 2_000, randomFrom(1), findings);
  assert(findings.length > 0 && refused > findings.length);
  for (const finding of findings) {
    assertStringIncludes(finding, "RangeError: Invalid typed array length");
    assert(/\ninput: ff/.test(finding), finding);
  }
});

Deno.test("a folder that is read wrongly is a finding, with the file and what it was changed to", async () => {
  const findings: string[] = [];
  const path = (folder: string) => `${folder}/file`;
  const folder = {
    name: "a folder",
    write: (folder: string) => Deno.writeFile(path(folder), VALID[0]!),
    async read(folder: string) {
      const bytes = await Deno.readFile(path(folder));
      if (bytes.length < 5) throw new Error(`Cannot read ${path(folder)}: event 1 is damaged`);
      if (bytes.length > 50) throw new Error("it gave another file");
    },
  };
  const refused = await tryFolder(folder, 200, randomFrom(1), findings);
  assert(findings.length > 0 && refused > findings.length);
  for (const finding of findings) {
    assertStringIncludes(finding, "a folder: Error: it gave another file");
    assert(/\ninput: \/file: [0-9a-f]{100}/.test(finding), finding);
  }
});

Deno.test("some thousand hostile inputs break nothing", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SCRIPT, "--inputs", "3000", "--seed", "14"],
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, text);
  for (
    const target of [
      ...[
        "wills",
        "the folder of a store",
        "the log of a run",
        "the port of a process, with the key",
      ],
      ...["the port of a bridge, as deploy", "the port of a node, as a master"],
      "the control socket (Unix), with a token",
    ]
  ) {
    assertStringIncludes(text, `\n${target}: `);
  }
});
