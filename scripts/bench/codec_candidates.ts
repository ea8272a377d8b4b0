/** The value codecs that the codec benchmark compares, each behind the same two functions. */

import { decode } from "../../src/codec/value_decoder.ts";
import { encode, encodeInto } from "../../src/codec/value_encoder.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** One codec; how it is loaded is measured too, in a process of its own. */
export interface Candidate {
  readonly name: string;
  /** Writes a value: what is measured. */
  readonly encode: (value: unknown) => Uint8Array;
  /** Gives exactly the bytes of a value, where `encode` does not. */
  readonly bytes?: (value: unknown) => Uint8Array;
  readonly decode: (bytes: Bytes) => unknown;
  /** A module's text that loads the codec and uses it once. */
  readonly boot: string;
}

const TARGET_BYTES = 4 << 20;

/** Ours as a channel uses it: one message after another into a buffer, which is then reused. */
function ours(): Candidate {
  const target = new Uint8Array(TARGET_BYTES);
  let position = 0;
  const encoder = import.meta.resolve("../../src/codec/value_encoder.ts");
  const decoder = import.meta.resolve("../../src/codec/value_decoder.ts");
  return {
    name: "deploy",
    encode(value): Uint8Array {
      let end = position > 65_536 ? -1 : encodeInto(value, target, position);
      if (end < 0) {
        position = 0;
        end = encodeInto(value, target, position);
      }
      position = end;
      return target;
    },
    bytes: encode,
    decode: (bytes) => decode(bytes),
    boot: `import { encode } from ${JSON.stringify(encoder)};
      import { decode } from ${JSON.stringify(decoder)};
      decode(encode({ i: 1, s: "hello" }));`,
  };
}

function oursOwned(): Candidate {
  return { ...ours(), name: "deploy, own buffer", encode };
}

/** Loads a candidate's module, or says on stderr why it is left out. */
async function load<Module>(name: string, specifier: string): Promise<Module | undefined> {
  try {
    return await import(specifier);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    console.error(`left out: ${name} cannot be loaded (${reason})`);
    return undefined;
  }
}

interface EncodeDecode {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}
interface Packer {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}
interface Msgpackr {
  Packr: new (options: Record<string, unknown>) => Packer;
}
interface V8 {
  serialize(value: unknown): Uint8Array;
  deserialize(bytes: Uint8Array): unknown;
}

const once = "{ i: 1, s: 'hello' }";

/** Every candidate that can be loaded here. `msgpackr` is where that package is. */
export async function loadCandidates(msgpackr: string): Promise<Candidate[]> {
  const found: Candidate[] = [ours(), oursOwned()];
  const packr = await load<Msgpackr>("msgpackr", msgpackr);
  if (packr !== undefined) {
    const packer = new packr.Packr({ structuredClone: true });
    found.push({
      name: "msgpackr",
      encode: (value) => packer.pack(value),
      decode: (bytes) => packer.unpack(bytes),
      boot: `import { Packr } from ${JSON.stringify(msgpackr)};
        const p = new Packr({ structuredClone: true }); p.unpack(p.pack(${once}));`,
    });
  }
  for (
    const [name, specifier] of [
      ["@msgpack/msgpack", "npm:@msgpack/msgpack@3.1.2"],
      ["@std/msgpack", "npm:deno-std@1.4.0/msgpack/mod.js"],
    ] as const
  ) {
    const module = await load<EncodeDecode>(name, specifier);
    if (module === undefined) continue;
    found.push({
      name,
      encode: (value) => module.encode(value),
      decode: (bytes) => module.decode(bytes),
      boot: `import { encode, decode } from ${JSON.stringify(specifier)};
        decode(encode(${once}));`,
    });
  }
  const v8 = await load<V8>("node:v8", "node:v8");
  if (v8 !== undefined) {
    found.push({
      name: "node:v8",
      encode: (value) => v8.serialize(value),
      decode: (bytes) => v8.deserialize(bytes),
      boot: `import { serialize, deserialize } from "node:v8"; deserialize(serialize(${once}));`,
    });
  }
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  found.push({
    name: "JSON",
    encode: (value) => encoder.encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(decoder.decode(bytes)),
    boot:
      `JSON.parse(new TextDecoder().decode(new TextEncoder().encode(JSON.stringify(${once}))));`,
  });
  return found;
}
