/** Calls of spawn() that `deno check` accepts, and calls that it refuses: a table with one call per line. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** The functions that the calls use. */
const DECLARATIONS = `
import { init, type Pid, spawn, spawnable, type SpawnArguments, type SpawnFunction, trySpawn } from "${MOD}";
interface Job { index: number; greeting: string }
const job: Job = { index: 1, greeting: "hello" };
function none() {}
function quiet(_parent: Pid) {}
async function quietAsync(_parent: Pid) {}
function work(_parent: Pid, _text: string) {}
async function worker(_parent: Pid, _job: Job): Promise<number> { return await Promise.resolve(1); }
function optional(_parent: Pid, _text?: string) {}
function byDefault(_parent: Pid, _count = 5) {}
function orNothing(_parent: Pid, _text: string | undefined) {}
function orNull(_parent: Pid, _text: string | null) {}
function whatever(_parent: Pid, _value: unknown) {}
function whateverOptional(_parent: Pid, _value?: unknown) {}
function nothing(_parent: Pid, _value: void) {}
function variadic(..._all: unknown[]) {}
function generic<T>(_parent: Pid, _value: T) {}
function bounded<T extends Job>(_parent: Pid, _values: T[]) {}
function readonlyList(_parent: Pid, _list: readonly string[]) {}
function list(_parent: Pid, _list: string[]) {}
function tuple(_parent: Pid, _pair: [string, number]) {}
function three(_parent: Pid, _text: string, _more?: number) {}
function needsThree(_parent: Pid, _text: string, _more: number) {}
function union(_parent: Pid, _task: { kind: "a"; a: number } | { kind: "b"; b: string }) {}
function bytes(_parent: Pid, _bytes: Uint8Array) {}
function pidOf(_parent: Pid, _other: Pid) {}
function notOfPid(_count: number) {}
function* generator(_parent: Pid, _text: string) { yield 1; }
class Tasks {
  static run(_parent: Pid, _text: string) {}
  method(_parent: Pid, _job: Job) {}
  readonly arrow = (_parent: Pid) => {};
}
const tasks = new Tasks();
declare const either: typeof work | typeof byDefault;
declare const eitherTakesText: typeof quiet | typeof work;
declare const eitherMayTakeText: typeof quiet | typeof optional;
declare const table: { run(parent: Pid, job: Job): void } | { run(parent: Pid, job: Job & { extra: 1 }): void };
declare const fn: SpawnFunction<Job>;
declare const anyFn: SpawnFunction;
declare const anything: any;
declare const text: string;
declare const frozen: readonly string[];
declare const maybe: string | undefined;
const registered = spawnable("types/work", work);
const registeredQuiet = spawnable("types/quiet", quiet);
const registeredInline = spawnable("types/inline", (_parent: Pid, count: number) => count);
function oneOf<A>(fn: SpawnFunction<A>, arg: A): Promise<Pid> { return spawn(fn, arg, { cpu: 1 }); }
function listOf<A>(fn: (parent: Pid, all: A[]) => void, arg: A): Promise<Pid> { return spawn(fn, [arg]); }
function wrapped<F extends SpawnFunction>(fn: F, ...rest: SpawnArguments<F>): Promise<Pid> { return trySpawn(fn, ...rest); }
`;

const RIGHT = `
spawn(none)
spawn(quiet)
spawn(quiet, undefined)
spawn(quiet, undefined, { mem: 5 })
spawn(quietAsync, undefined, {})
spawn(work, "text")
spawn(work, text, { mem: 5, cpu: 0.5, name: "worker" })
spawn(worker, job)
spawn(worker, { index: 1, greeting: "" }, { mem: 5 })
spawn(optional)
spawn(optional, "text")
spawn(optional, maybe)
spawn(optional, undefined, { mem: 5 })
spawn(byDefault)
spawn(byDefault, 6)
spawn(orNothing, undefined)
spawn(orNothing, maybe)
spawn(orNull, null)
spawn(whatever, { any: ["thing"] })
spawn(whatever, undefined, { mem: 5 })
spawn(whateverOptional)
spawn(whateverOptional, 5)
spawn(nothing)
spawn(variadic)
spawn(variadic, 5)
spawn(generic, 5)
spawn(bounded, [job])
spawn(readonlyList, ["a"])
spawn(readonlyList, ["a"] as const)
spawn(list, ["a"])
spawn(tuple, ["a", 1])
spawn(three, "text")
spawn(union, { kind: "b", b: "text" })
spawn(bytes, new Uint8Array(5))
spawn(pidOf, anything as Pid)
spawn(generator, "text")
spawn(Tasks.run, "text")
spawn(tasks.method, job)
spawn(tasks.arrow)
spawn(eitherTakesText, "text")
spawn(eitherMayTakeText)
spawn(eitherMayTakeText, "text")
spawn(table.run, { ...job, extra: 1 })
spawn(fn, job, { mem: 5 })
spawn(anyFn, 5)
spawn(anything)
spawn(anything, 5, { mem: 5 })
spawn(work, anything)
spawn(registered, "text")
spawn(registeredQuiet)
spawn(registeredInline, 5)
spawn((_parent, arg) => arg, 5)
trySpawn(quiet)
trySpawn(worker, job, { cpu: 2 })
oneOf(worker, job)
listOf(list, "text")
wrapped(worker, job, { mem: 5 })
wrapped(quiet)
init({ functions: { none, quiet, work, worker, optional, generic, bounded, union, variadic, anyFn, run: Tasks.run } })
init({ functions: { inline: (_parent: Pid, text: string) => text, arrow: tasks.arrow }, resources: { mem: 5 } })
`;

const WRONG = `
spawn()
spawn(work)
spawn(work, 5)
spawn(work, undefined)
spawn(work, maybe)
spawn(work, { mem: 5 })
spawn(work, "text", { memory: 5 })
spawn(work, "text", { mem: "5 MiB" })
spawn(work, "text", { name: 5 })
spawn(work, "text", {}, {})
spawn(work, Promise.resolve("text"))
spawn(worker)
spawn(worker, {})
spawn(worker, { index: "1", greeting: "" })
spawn(worker, { index: 1, greeting: "", more: 1 })
spawn(none, 5)
spawn(none, { mem: 5 })
spawn(quiet, 5)
spawn(quiet, null)
spawn(quiet, { mem: 5 })
spawn(quietAsync, { mem: 5 })
spawn(optional, 5)
spawn(optional, null)
spawn(optional, { mem: 5 })
spawn(byDefault, "6")
spawn(orNothing)
spawn(orNull)
spawn(orNull, undefined)
spawn(whatever)
spawn(nothing, 5)
spawn(generic)
spawn(bounded, [{ index: 1 }])
spawn(readonlyList, "a")
spawn(readonlyList, [5])
spawn(list, frozen)
spawn(tuple, ["a"])
spawn(three)
spawn(needsThree, "text")
spawn(union, { kind: "a", b: "text" })
spawn(bytes, [1, 2])
spawn(pidOf, "text")
spawn(notOfPid)
spawn(Tasks)
spawn(Tasks.run, job)
spawn(tasks.method, "text")
spawn(tasks.arrow, { mem: 5 })
spawn(either, 5)
spawn(either, "text")
spawn(eitherTakesText)
spawn(eitherTakesText, 5)
spawn(eitherMayTakeText, 5)
spawn(table.run, job)
spawn(fn)
spawn(fn, "text")
spawn(anyFn)
spawn(registered)
spawn(registered, 5)
spawn(registeredQuiet, { mem: 5 })
spawn(registeredInline, "5")
spawn("work")
spawn(5, 5)
trySpawn(work)
trySpawn(quiet, { mem: 5 })
oneOf(worker, "text")
wrapped(worker)
wrapped(quiet, { mem: 5 })
init({ functions: { notOfPid } })
init({ functions: { needsThree } })
init({ functions: { text } })
init({ function: { work } })
spawnable("types/three", needsThree)
`;

Deno.test("spawn() takes the arguments of its function, and nothing else", async () => {
  const calls = (text: string) => text.trim().split("\n");
  const right = calls(RIGHT);
  const lines = [...right, ...calls(WRONG)];
  const first = DECLARATIONS.split("\n").length + 1;
  const directory = await Deno.makeTempDir({ prefix: "deploy-test-" });
  try {
    const path = `${directory}/calls.ts`;
    const source = lines.map((line) => `export const _${lines.indexOf(line)} = () => ${line};`);
    await Deno.writeTextFile(path, `${DECLARATIONS}\n${source.join("\n")}\n`);
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-config", path],
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stderr);
    const refused = new Set<number>();
    for (const [, line] of text.matchAll(/^ {4}at .*calls\.ts:(\d+)/gm)) {
      refused.add(Number(line) - first);
    }
    const found = [...refused].sort((a, b) => a - b).map((index) =>
      lines[index] ?? `line ${index}`
    );
    assertEquals(found, calls(WRONG), text);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
