/** What the processes of a program may do: where it is limited, and with what the runtime needs itself. */

import {
  add,
  addFlags,
  type Additions,
  flagsOf,
  limitedNames,
  meet,
  narrow,
  NO_PERMISSIONS,
  type Permissions,
} from "../core/permissions.ts";
import { SpawnError } from "../core/errors.ts";
import { LAZY_IMPORTS, type Program } from "./program.ts";

/** Short flags of `deno run` for permissions. */
const SHORT: Readonly<Record<string, string>> = {
  A: "all",
  R: "read",
  W: "write",
  N: "net",
  E: "env",
  S: "sys",
  I: "import",
};

/** Short flags whose value may be the rest of the word. */
const WITH_VALUE = "cL";

const PERMISSION_FLAG = /^--(?:allow-all|(?:allow|deny|ignore)-[a-z]+(?:=.*)?)$/s;

/** The flags of `deno run` among `words`, with those for permissions apart, in their long form. */
interface Divided {
  readonly permissions: readonly string[];
  readonly others: readonly string[];
  /** Whether all permissions are known: a set of a configuration is not read here. */
  readonly areKnown: boolean;
}

function divide(words: readonly string[]): Divided {
  const permissions: string[] = [];
  const others: string[] = [];
  let areKnown = true;
  for (const word of words) {
    if (PERMISSION_FLAG.test(word)) permissions.push(word);
    else if (/^--permission-set(?:=|$)/.test(word)) areKnown = false;
    else if (/^-[A-Za-z]/.test(word)) {
      let rest = "-";
      for (let index = 1; index < word.length; index++) {
        const letter = word.charAt(index);
        const value = word.charAt(index + 1) === "=" ? word.slice(index + 1) : "";
        if (WITH_VALUE.includes(letter)) {
          rest += word.slice(index);
          break;
        }
        if (letter === "P") areKnown = false;
        else if (SHORT[letter] === undefined) rest += letter + value;
        else permissions.push(`--allow-${SHORT[letter]}${value}`);
        if (value !== "") break;
      }
      if (rest !== "-") others.push(rest);
    } else others.push(word);
  }
  return { permissions, others, areKnown };
}

/** What the processes of a program may do; `undefined` if that is fixed in it, or cannot be known here. */
export function permissionsOfProgram(program: Program): Permissions | undefined {
  const { args, flagsAt, permissions } = program;
  if (permissions !== undefined || flagsAt === undefined) return permissions;
  const divided = divide(args.slice(0, flagsAt));
  return divided.areKnown ? addFlags(NO_PERMISSIONS, divided.permissions) : undefined;
}

/**
 * The permissions of a process that one of this program spawns.
 *
 * @param own Flags with those of the process that spawns; `undefined`: those of the program.
 * @param wanted As for `narrow()` of core.
 * @returns Flags of `deno run`, which name all that is allowed.
 * @throws {SpawnError} `invalid`, if it wants more than the one that spawns may, or they cannot be narrowed.
 */
export function spawnedPermissions(
  program: Program,
  own: readonly string[] | undefined,
  wanted: readonly string[],
  what: string,
): string[] {
  const parent = own === undefined ? permissionsOfProgram(program) : addFlags(NO_PERMISSIONS, own);
  if (parent === undefined) throw new SpawnError("invalid", `Cannot ${what}: ${whyFixed(program)}`);
  try {
    return flagsOf(narrow(parent, wanted, program.cwd));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SpawnError("invalid", `Cannot ${what}: permissions.${error.message}`);
  }
}

function whyFixed({ flagsAt }: Program): string {
  return flagsAt === undefined
    ? "its permissions were fixed when this program was compiled; leave out the option permissions"
    : "the program was started with a set of permissions (-P), which cannot be narrowed; start it with flags " +
      "such as --allow-net";
}

/**
 * The permissions of a process that was spawned with `flags`, or without any: those of the program, or what both
 * allow.
 *
 * @returns `undefined` if it has those of its program, whose flags stay as they are.
 */
export function limitsOf(
  program: Program,
  flags: readonly string[] | undefined,
): Permissions | undefined {
  if (flags === undefined) return program.permissions;
  const own = permissionsOfProgram(program);
  if (own === undefined) return undefined;
  return meet(own, addFlags(NO_PERMISSIONS, flags), program.cwd);
}

/**
 * Has Deno fetch no module. Without the last two, it fetches packages of npm, and all from hosts such as `esm.sh` and
 * `jsr.io`, whatever is denied: the address of a module can tell its host anything.
 */
const NO_IMPORTS = ["--deny-import", "--no-remote", "--no-npm"];

/**
 * Deno allows some hosts where nothing is said. A program may need them for its modules; a bundle has all of them. Nor
 * does one import from the network that is denied the network.
 */
function forbidsImports({ import: { allow, deny }, net }: Permissions): boolean {
  return deny === true || net.deny === true || (allow !== true && allow.length === 0);
}

/** The program with these permissions and what the runtime needs itself. */
export function withPermissions(
  program: Program,
  permissions: Permissions,
  needs: Additions,
): Program {
  const { args, flagsAt, isBundle } = program;
  if (flagsAt === undefined) throw new Error("the permissions of an executable are fixed");
  const complete = add(permissions, needs);
  const importsNothing = isBundle === true && forbidsImports(permissions);
  // A module that is looked up when it is imported is read then, which needs permission.
  const kept = divide(args.slice(0, flagsAt)).others.filter((flag) => flag !== LAZY_IMPORTS);
  const others = [...importsNothing ? NO_IMPORTS : [], "--no-prompt"];
  const flags = [
    ...kept,
    ...flagsOf(complete).filter((flag) => !importsNothing || !/^--[a-z]+-import\b/.test(flag)),
    ...others.filter((flag) => !kept.includes(flag)),
  ];
  return { ...program, args: [...flags, ...args.slice(flagsAt)], flagsAt: flags.length };
}

/** Who limits each permission of a process, for people; `undefined` if none is limited. */
export function limitersOf(
  limits: Permissions | undefined,
  { program: { capped = [] }, node }: { program: Program; node: string | null },
  isSpawned: boolean,
): Record<string, string> | undefined {
  const names = limits === undefined ? capped : limitedNames(limits);
  if (names.length === 0) return undefined;
  const other = isSpawned
    ? "the spawn() that started this process limits it"
    : "the program was deployed without it";
  return Object.fromEntries(
    names.map((name) => [name, capped.includes(name) ? `node ${node} limits it` : other]),
  );
}
