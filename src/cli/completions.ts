/**
 * Completion scripts for shells, generated from the table.
 *
 * Each script finds the command as `findCommand()` does, by the first word that is neither an option nor
 * an option's value, and offers that command's options and operands. Arguments after `--` are the
 * program's, and are completed as files.
 */

import {
  allOptions,
  type Command,
  type Completes,
  type Executable,
  type Option,
  type Shell,
} from "./executable.ts";

/** The script that makes `shell` complete the arguments of `executable`. */
export function completionScript(executable: Executable, shell: Shell): string {
  const script = SCRIPTS[shell](executable);
  return `# Completions of ${executable.name} for ${shell}.\n${script}`;
}

const SCRIPTS: Readonly<Record<Shell, (executable: Executable) => string>> = { bash, zsh, fish };

/** Options that every command has. */
const EVERYWHERE: readonly [name: string, option: Option][] = [
  ["help", { short: "h", summary: "print help" }],
  ["version", { short: "V", summary: "print the version" }],
];

function optionsOf({ options }: Command): readonly [name: string, option: Option][] {
  return [...Object.entries(options), ...EVERYWHERE];
}

/** All options whose value may be the next word, with their dashes. */
function valueOptions(executable: Executable): readonly [written: string, option: Option][] {
  return Object.entries(allOptions(executable))
    .filter(([, { value, isOptional }]) => value !== undefined && !isOptional)
    .map(([name, option]) => [`--${name}`, option]);
}

/** The possible operands of a command, besides the names of commands. */
function operandsOf({ operands = [] }: Command): { files: boolean; words: readonly string[] } {
  const all = operands.map(({ completes }) => completes);
  return {
    files: all.some((completes) => completes === "file" || completes === "folder"),
    words: all.flatMap((completes) => typeof completes === "object" ? completes : []),
  };
}

function bash(executable: Executable): string {
  const { name, main, commands } = executable;
  const withValue = valueOptions(executable);
  const reply = (action: string) => `COMPREPLY=($(compgen ${action} -- "$cur"))`;
  const complete = (completes: Completes | undefined) =>
    completes === undefined ? "COMPREPLY=()" : reply(
      completes === "file" ? "-f" : completes === "folder" ? "-d" : `-W '${completes.join("\n")}'`,
    );
  const cases = [main, ...commands].map((command) => {
    const options = optionsOf(command).map(([option]) => `--${option}`).join("\n");
    const { files, words } = operandsOf(command);
    const names = command === main ? commands.map(({ name }) => name) : [];
    const offered = [...words, ...names];
    return `    '${command.name}')
      if [[ $cur == -* ]]; then ${reply(`-W '${options}'`)}
      else ${reply(`${files ? "-f " : ""}-W '${offered.join("\n")}'`)}; fi ;;`;
  });
  return `_${name}() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local command= operand= index
  # bash makes a word of each "=".
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      --) ${reply("-f")}; return ;;
      ${withValue.map(([option]) => option).join("|") || "--"})
        if [[ \${COMP_WORDS[index+1]} == = ]]; then ((index++)); fi; ((index++)) ;;
      -*) ;;
      ${commands.map(({ name }) => name).join("|")})
        if [[ -z $operand ]]; then command=\${COMP_WORDS[index]}; fi; operand=1 ;;
      *) operand=1 ;;
    esac
  done
  case $prev in
${
    withValue.map(([option, { completes }]) => `    ${option}) ${complete(completes)}; return ;;`)
      .join("\n")
  }
  esac
  case $command in
${cases.join("\n")}
  esac
}
complete -o filenames -F _${name} ${name}
`;
}

function zsh(executable: Executable): string {
  const { name, main, commands } = executable;
  const withValue = valueOptions(executable);
  const complete = ({ completes, value }: Option) =>
    completes === undefined
      ? `_message '${value}'`
      : completes === "file"
      ? "_files"
      : completes === "folder"
      ? "_files -/"
      : `compadd -- ${completes.join(" ")}`;
  const described = (entries: readonly (readonly [string, string])[]) =>
    entries.map(([word, summary]) => quoted(`${word}:${summary}`)).join(" ");
  const cases = [main, ...commands].map((command) => {
    const options = optionsOf(command).map(([option, { summary }]) =>
      [`--${option}`, summary] as const
    );
    const { files, words } = operandsOf(command);
    return `    '${command.name}')
      offered=(${described(options)})
      if [[ $PREFIX == -* ]]; then _describe -o option offered; return; fi
${
      command === main
        ? `      offered=(${
          described(commands.map(({ name, summary }) => [name, summary] as const))
        })
      if [[ -z $operand ]]; then _describe command offered; fi\n`
        : ""
    }${words.length > 0 ? `      compadd -- ${words.join(" ")}\n` : ""}${
      files ? "      _files\n" : ""
    }      ;;`;
  });
  return `#compdef ${name}
_${name}() {
  local -a offered
  local command= operand= index prev=$words[CURRENT-1]
  if [[ $PREFIX == --*=* ]]; then prev=\${PREFIX%%=*}; compset -P '*='; fi
  for ((index = 2; index < CURRENT; index++)); do
    case $words[index] in
      --) _files; return ;;
      ${withValue.map(([option]) => option).join("|") || "--"}) ((index++)) ;;
      -*) ;;
      ${commands.map(({ name }) => name).join("|")})
        if [[ -z $operand ]]; then command=$words[index]; fi; operand=1 ;;
      *) operand=1 ;;
    esac
  done
  case $prev in
${withValue.map(([option, spec]) => `    ${option}) ${complete(spec)}; return ;;`).join("\n")}
  esac
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fish(executable: Executable): string {
  const { name, main, commands } = executable;
  const withValue = valueOptions(executable).map(([option]) => option);
  const lines = [main, ...commands].flatMap((command) => {
    const rule = `complete -c ${name} -n ${quoted(`__${name}_is '${command.name}'`)}`;
    const { files, words } = operandsOf(command);
    return [
      ...optionsOf(command).map(([option, { short, summary, value, isOptional, completes }]) => {
        const takes = value === undefined || isOptional
          ? ""
          : completes === "file" || completes === "folder"
          ? " -r -F"
          : ` -x${completes === undefined ? "" : ` -a ${quoted(completes.join(" "))}`}`;
        const letter = short === undefined ? "" : ` -s ${short}`;
        return `${rule} -l ${option}${letter}${takes} -d ${quoted(summary)}`;
      }),
      ...files ? [`${rule} -F`] : [],
      ...words.length > 0 ? [`${rule} -a ${quoted(words.join(" "))}`] : [],
      ...command !== main
        ? []
        : commands.map(({ name: word, summary }) =>
          `complete -c ${name} -n ${quoted(`__${name}_is '' first`)} -a ${word} -d ${
            quoted(summary)
          }`
        ),
    ];
  });
  return `# Whether the command is this one; with "first", whether it could still be named, too.
function __${name}_is
    set -l command ''
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case --
                return 1
            case ${withValue.join(" ") || "--"}
                set skip 1
            case '-*'
            case ${commands.map(({ name }) => name).join(" ")}
                set command $word
                break
            case '*'
                test (count $argv) = 2; and return 1
                break
        end
    end
    test "$command" = "$argv[1]"
end
complete -c ${name} -f
${lines.join("\n")}
`;
}

/** A text quoted for both zsh and fish. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", `'"'"'`)}'`;
}
