/** Help: a page for each command, generated from the table. It fits a terminal of 80 × 24. */

import { type Command, commandLine, type Executable, type Option } from "./executable.ts";

const NAME_WIDTH = 18;
const GAP = "  ";

/** The lines of a terminal, without the one of the next prompt. */
const LINES = 24 - 1;

/** The help page of a command; that of the main command also lists the other commands. */
export function helpPage(executable: Executable, command: Command): string {
  const page = pageOf(executable, command, false);
  const fits = page.split("\n").length - 1 <= LINES;
  return fits ? page : pageOf(executable, command, true);
}

/** With `isShort`, only the names of the other commands. */
function pageOf(executable: Executable, command: Command, isShort: boolean): string {
  const { summary, operands = [], options, notes = [], examples, exitStatus } = command;
  const rows = [
    ...operands.map(({ name, summary }) => row(name, summary)),
    ...optionRows(Object.entries(options).filter(([, { ofDeno }]) => !ofDeno)),
    row("-h, --help", "print this page; -V, --version: the version"),
  ];
  const others = command === executable.main ? executable.commands : [];
  return [
    `${summary}.`,
    "",
    ...usageLines(commandLine(executable, command), command),
    ...commandLines(executable.name, others, isShort),
    ...isShort && others.length > 0 ? [] : [""],
    ...rows,
    ...notes,
    ...examples.map((example, index) => `${index === 0 ? "Example: " : "         "}${example}`),
    `Exit status: ${exitStatus}`,
    "",
  ].join("\n");
}

function optionRows(options: readonly (readonly [string, Option])[]): string[] {
  return options.flatMap(([name, option], index) => {
    if (option.isBeside) return [];
    const next = options[index + 1];
    const beside = next?.[1].isBeside ? `, ${optionName(...next)}` : "";
    return [row(`${optionName(name, option)}${beside}`, option.summary)];
  });
}

/** A single command takes one line. */
function commandLines(
  executable: string,
  commands: readonly Command[],
  isShort: boolean,
): string[] {
  const [only, ...more] = commands;
  if (only === undefined) return [];
  if (more.length === 0) {
    return [`Also:  ${executable} ${only.name}: ${lowerFirst(only.summary)}`];
  }
  if (isShort) {
    const names = commands.map(({ name }) => name).join(", ");
    return [`Commands (--help): ${names}`];
  }
  const rows = commands.map(({ name, summary }) => row(name, lowerFirst(summary)));
  return ["Commands, each with a --help of its own:", ...rows];
}

function usageLines(line: string, { usage }: Command): string[] {
  const forms = usage.map(({ form }) => `${line} ${form}`.trimEnd());
  const width = Math.max(...forms.map((form) => form.length));
  return forms.map((form, index) => {
    const means = usage[index]?.means;
    const shown = means === undefined ? form : `${form.padEnd(width)}${GAP}${means}`;
    return `${index === 0 ? "Usage: " : "       "}${shown}`;
  });
}

function optionName(name: string, { short, value, isOptional = false }: Option): string {
  const shown = isOptional ? `[=${value}]` : ` ${value}`;
  const long = value === undefined ? `--${name}` : `--${name}${shown}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function row(name: string, summary: string): string {
  return `${GAP}${name.padEnd(NAME_WIDTH)}${GAP}${summary}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
