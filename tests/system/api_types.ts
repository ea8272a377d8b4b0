/**
 * The types of the API, as `deno check` sees them in a program. The annotations are checked when
 * this module is checked, by `deno task ok` and in CI. None of these functions is called.
 */

import {
  Acceptor,
  after,
  ChannelError,
  DEFAULT_RESOURCES,
  type ExitStatus,
  init,
  type InitOptions,
  isPid,
  kill,
  type Pid,
  pid,
  Receiver,
  type Resources,
  resources,
  run,
  select,
  type Selectable,
  selectableWait,
  type Selected,
  Sender,
  spawn,
  spawnable,
  SpawnError,
  type SpawnFunction,
  type SpawnOptions,
  success,
  trySpawn,
  wait,
} from "deploy";

/** `true` if the two are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

interface Job {
  index: number;
  greeting: string;
}

async function worker(parent: Pid, job: Job): Promise<void> {
  await new Sender<number>(parent, "indexes").send(job.index);
}
function quiet(_parent: Pid): void {}

export async function selects(numbers: Receiver<number>, texts: Sender<string>): Promise<string> {
  const selected = await select([
    numbers.selectableRecv(),
    texts.selectableSend(() => "x"),
    after(5),
  ]);
  if ("error" in selected) {
    const error: ChannelError = selected.error;
    return `${selected.index}: ${error.kind} ${error.remote}`;
  }
  if (selected.index === 0) {
    const value: number = selected.value;
    return String(value);
  }
  const nothing: void = selected.value;
  return String(nothing);
}

export async function selectsAnyNumber(list: Selectable<number>[]): Promise<number> {
  const selected: Selected<Selectable<number>[]> = await select(list, {
    signal: AbortSignal.timeout(5),
  });
  if ("value" in selected) {
    const value: number = selected.value;
    return value;
  }
  throw selected.error;
}

export async function selectsLists(
  numbers: readonly Receiver<number>[],
  mixed: (Selectable<number> | Selectable<string>)[],
  acceptor: Acceptor<Job>,
): Promise<number> {
  const receives: readonly Selectable<number>[] = numbers.map((each) => each.selectableRecv());
  const one = await select(receives);
  if ("error" in one) throw one.error;
  const two = await select([acceptor.selectableAccept(), ...receives]);
  if ("error" in two) throw two.error;
  const three = await select(mixed);
  if ("error" in three) throw three.error;
  true satisfies Same<typeof one.value, number>;
  true satisfies Same<typeof one.index, number>;
  true satisfies Same<typeof two.value, number | Receiver<Job>>;
  true satisfies Same<typeof three.value, number | string>;
  const four = await select([acceptor.selectableAccept(), after(5)]);
  if ("error" in four || four.index === 1) return 0;
  const accepted: Receiver<Job> = four.value;
  return (await accepted.recv()).index;
}

export async function accepts(): Promise<void> {
  await using acceptor = new Acceptor<Job>("jobs");
  const maybe: Receiver<Job> | undefined = acceptor.tryAccept();
  const next: Receiver<Job> = await acceptor.accept({ signal: AbortSignal.timeout(1) });
  for await (const jobs of acceptor) jobs satisfies Receiver<Job>;
  console.log(maybe, next.name, acceptor.name);
}

export async function spawns(): Promise<Pid[]> {
  const options: InitOptions = { functions: { worker, quiet }, resources: { mem: 5 } };
  await init(options);
  const least: SpawnOptions = { cpu: 0.5 };
  const fn: SpawnFunction<Job> = spawnable("types/worker", worker);
  // @ts-expect-error: the argument is a Job
  await spawn(worker, { index: "1", greeting: "" });
  return [
    await spawn(worker, { index: 1, greeting: "" }),
    await trySpawn(fn, { index: 1, greeting: "" }, least),
    await spawn(quiet),
  ];
}

export async function ends(other: Pid): Promise<string> {
  const status: ExitStatus = await wait(other);
  const killed: void = await kill(other, { signal: "SIGTERM", graceMs: 5, descendants: true });
  await Promise.all([other].map(kill));
  const [first]: ExitStatus[] = await Promise.all([other].map(wait));
  const selected = await select([selectableWait(other)]);
  if ("value" in selected) console.log(selected.value satisfies ExitStatus, first);
  await wait(other, { signal: AbortSignal.timeout(5) });
  // @ts-expect-error: it is called signal
  await wait(other, { sginal: AbortSignal.timeout(5) });
  // @ts-expect-error: there is no such signal
  await kill(other, { signal: "SIGFOO" });
  if (success(status)) return String(killed);
  if ("code" in status) return status.code.toFixed();
  if ("signal" in status) {
    const signal: Deno.Signal = status.signal;
    return signal;
  }
  return "killed" in status ? status.killed : status.lost;
}

export async function channels(remote: Pid): Promise<void> {
  await using sender = new Sender<Job>(remote);
  const receiver = new Receiver<Job>(remote);
  const sent: boolean = sender.trySend({ index: 1, greeting: String(sender.remote === remote) });
  const got: { value: Job } | undefined = receiver.tryRecv();
  for await (const job of receiver) await sender.send(job, { signal: AbortSignal.timeout(1) });
  await receiver.readable.pipeTo(sender.writable);
  await run([receiver.selectableRecv(), after(1)]);
  const job: Job = await receiver.recv({ signal: AbortSignal.timeout(1) });
  console.log(sent, got, job);
  // @ts-expect-error: a string is no Pid
  new Sender("text");
  const text: unknown = "text";
  if (isPid(text)) new Sender(text);
}

export const same: true[] = [
  true satisfies Same<ReturnType<typeof pid>, Pid>,
  true satisfies Same<ReturnType<typeof resources>, Readonly<Resources>>,
  true satisfies Same<typeof DEFAULT_RESOURCES, Readonly<Resources>>,
  true satisfies Same<
    ChannelError["kind"],
    "closed" | "exited" | "failed" | "aborted" | "lost"
  >,
  true satisfies Same<
    SpawnError["reason"],
    "no-capacity" | "unsatisfiable" | "unregistered" | "invalid" | "not-started" | "lost"
  >,
];
