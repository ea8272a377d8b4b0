/** Another user, as whom the programs of a node run. */

/** A user of this machine. */
export interface ProgramUser {
  readonly name: string;
  readonly uid: number;
  /** Its first group. */
  readonly gid: number;
  /** All of its groups. */
  readonly groups: readonly number[];
  /** Whether what it starts can be marked by groups that only a program of the node has; see marks.ts. */
  readonly marksGroups: boolean;
  readonly home: string;
}

/** The command, of util-linux, that becomes another user, and its options. */
export const SETPRIV = "/usr/bin/setpriv";

/**
 * The words in front of a command that is to be executed as that user, with its groups, and without new privileges.
 *
 * @param more Groups that it gets besides. @default none
 */
export function becoming(
  { uid, gid, groups }: Pick<ProgramUser, "uid" | "gid" | "groups">,
  more: readonly number[] = [],
): string[] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, `--groups=${[...groups, ...more].join(",")}`];
  return [SETPRIV, ...ids, "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", "--"];
}

/** What a program that runs as that user gets of an environment, besides what others do. */
export function variablesOf(
  { name, home }: ProgramUser,
): Record<"HOME" | "USER" | "LOGNAME", string> {
  return { HOME: home, USER: name, LOGNAME: name };
}

/** The groups that mark a process with that mark. */
export function markGroups(
  { marksGroups }: Pick<ProgramUser, "marksGroups">,
  mark: string,
): number[] {
  return marksGroups ? mark.split(",").map(Number) : [];
}

/** Parses a line of `getent passwd`; `undefined` if it is not one. */
export function parsePasswd(
  line: string,
): Omit<ProgramUser, "groups" | "marksGroups"> | undefined {
  const [name = "", , uid = "", gid = "", , home = ""] = line.trimEnd().split(":");
  if (name === "" || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home.startsWith("/") ? home : "/" };
}

/** Parses what `id -G` prints; `undefined` if it is no list of groups. */
export function parseGroups(text: string): number[] | undefined {
  const words = text.trim().split(" ");
  return words.every((word) => /^\d+$/.test(word)) ? words.map(Number) : undefined;
}

/**
 * Whether a process may have groups of any number, by the text of `/proc/self/gid_map`: not in a container whose users
 * are mapped to few of the machine.
 */
export function mapsAllGroups(map: string): boolean {
  const [, , count] = map.trim().split(/\s+/).map(Number);
  return map.trim().split("\n").length === 1 && (count ?? 0) >= 2 ** 32 - 1;
}

/** The capabilities by which a node starts, ends and cleans up after another user: their names, and bits. */
const NEEDED = { CHOWN: 0, DAC_OVERRIDE: 1, KILL: 5, SETGID: 6, SETUID: 7 } as const;

/**
 * Which capabilities this process, or what it starts, lacks to run programs as another user.
 *
 * @param status The text of `/proc/self/status`.
 */
export function lackedCapabilities(status: string, isRoot: boolean): string[] {
  const set = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? 0}`);
  // What another user than root starts has only those that are ambient.
  const has = isRoot ? set("CapEff") : set("CapEff") & set("CapAmb");
  return Object.entries(NEEDED).flatMap(([name, bit]) =>
    (has >> BigInt(bit) & 1n) === 1n ? [] : [`CAP_${name}`]
  );
}
