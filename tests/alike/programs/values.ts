// What a value is when it arrives, beside what structuredClone() makes of it.
import { type Pid, Receiver, Sender, spawn, spawnable } from "deploy";

/** The smallest module: its magic number and version. */
const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

function makeValues(): unknown[] {
  const buffer = new Uint8Array([1, 2, 3, 4, 5, 6]).buffer;
  const shared = { name: "shared" };
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  return [
    [undefined, null, -0, NaN, 1n << 70n, "\u{1f600}", new Date(0), /x/gi],
    new Map([[shared, new Set([shared])]]),
    new Uint8Array(buffer, 2, 2),
    [new Uint8Array(buffer, 2, 2), new Uint16Array(buffer)],
    new DataView(buffer, 1, 3),
    new RangeError("out of range", { cause: new TypeError("type") }),
    cycle,
  ];
}

const echo = spawnable("values/echo", async (parent: Pid, values: unknown[]) => {
  await using sender = new Sender<unknown[]>(parent);
  await sender.send(values);
});

export const prints: readonly string[] = [
  '[ undefined, null, -0, NaN, 1180591620717411303424n, "😀", 1970-01-01T00:00:00.000Z, /x/gi ]',
  'Map(1) { { name: "shared" } => Set(1) { { name: "shared" } } }',
  "Uint8Array(2) [ 3, 4 ]",
  "[ Uint8Array(2) [ 3, 4 ], Uint16Array(3) [ 513, 1027, 1541 ] ]",
  "DataView(3) at 1 of 6",
  "RangeError: out of range",
  "<ref *1> { self: [Circular *1] }",
  "abc  false",
  'def text/plain [ "d.txt", 7 ]',
  "value[0] is a WebAssembly.Module, which cannot be sent: send the bytes that it was compiled from, and compile them there",
  "value[0] is a function; functions cannot be sent",
  "value[0] is a symbol; symbols cannot be sent",
  "value[0] is a Promise; promises cannot be sent",
];

const files = spawnable("values/files", async (parent: Pid) => {
  await using sender = new Sender<(Blob | File)[]>(parent);
  const options = { type: "text/plain", lastModified: 7 };
  await sender.send([new Blob(["ab", new Uint8Array([99])]), new File(["def"], "d.txt", options)]);
});

/** A value in one line, with all that a program can see of it. */
function show(value: unknown): string {
  if (value instanceof DataView) {
    return `DataView(${value.byteLength}) at ${value.byteOffset} of ${value.buffer.byteLength}`;
  }
  // The stack of an error names the place where it was made.
  if (value instanceof Error) return `${value}`;
  return Deno.inspect(value, { depth: 9, breakLength: Infinity });
}

export default async function values(): Promise<void> {
  await using receiver = new Receiver<unknown[]>(await spawn(echo, makeValues()));
  const arrived = await receiver.recv();
  for (const value of arrived) console.log(show(value));
  const cloned = structuredClone(makeValues()).map(show);
  if (arrived.map(show).join() !== cloned.join()) throw new Error(`cloned: ${cloned}`);
  await using fromFiles = new Receiver<(Blob | File)[]>(await spawn(files));
  for (const each of await fromFiles.recv()) {
    const isFile = each instanceof File;
    console.log(await each.text(), each.type, isFile && [each.name, each.lastModified]);
  }
  const module = new WebAssembly.Module(WASM);
  for (const each of [module, () => 1, Symbol.iterator, Promise.resolve()]) {
    const error = await spawn(echo, [each]).then(() => "sent", (error: Error) => error);
    console.log(error instanceof TypeError ? error.message : error);
  }
}
