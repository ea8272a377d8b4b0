#!/usr/bin/env bash
# Uses every command that looks at runs, as a user's script does: tables with awk, and data with deno.
# The test beside this gives it a cluster and a program: DENO, CLI, DEPLOY_BRIDGE.
set -euo pipefail

deploy() { "$DENO" run -A --no-check "$CLI" "$@"; }

# is WHAT WANTED GOT
is() {
  [ "$2" = "$3" ] && return
  printf '%s\nexpected: %s\ngot:      %s\n' "$1" "$2" "$3" >&2
  exit 1
}

# field NAME: what each object on stdin, one a line, has there
field() {
  "$DENO" eval --quiet '
    const text = await new Response(Deno.stdin.readable).text();
    for (const line of text.trim().split("\n")) console.log(JSON.parse(line)[Deno.args[0]]);
  ' "$1"
}

# until_is WANTED COMMAND…: repeats the command until it prints that
until_is() {
  local wanted=$1
  shift
  while [ "$("$@")" != "$wanted" ]; do sleep 0.1; done
}

counts() { deploy ps | awk -v run="$1" '$1 == run { print $5 }'; }
state() { deploy ps | awk -v run="$1" '$1 == run { print $3 }'; }

id=$(deploy --detach --name nightly main.ts)
[[ $id =~ ^[a-z]{4}-[a-z]{4}$ ]] || is "an id" "four syllables" "$id"
until_is 2/2 counts "$id"
is "ps" "RUN NAME STATE AGE PROCESSES MEM BY" "$(deploy ps | awk 'NR == 1 { $1 = $1; print }')"
is "ps as data" "$id nightly running" "$(
  deploy ps --format json >runs
  echo "$(field run <runs)" "$(field name <runs)" "$(field state <runs)"
)"
is "ps of a run" "main.ts echo" "$(deploy ps nightly | awk 'NR > 1 { print $NF }' | xargs)"
is "ps of a run as data" "main.ts echo" "$(deploy ps nightly --format json | field name | xargs)"
is "nodes" "up 2" "$(deploy nodes | awk 'NR > 1 { print $2, $3 }')"
is "nodes as data" "2" "$(deploy nodes --format json | field processes)"
waits() { deploy why nightly | awk '$2 == "echo" { print $3, $4 }'; }
until_is "recv from" waits
deploy why nightly --format json >waits
is "why as data" "main.ts echo" "$(field name <waits | xargs)"

ready=$'main is ready\necho is ready'
output() { deploy logs nightly 2>/dev/null | sort -r; }
until_is "$ready" output
is "logs of a process" "echo is ready" "$(deploy logs nightly --process echo 2>/dev/null)"
is "logs of the last hour" "$ready" "$(deploy logs --since 1h nightly 2>/dev/null | sort -r)"
is "logs of the future" "" "$(deploy logs --since 2999-01-01 nightly 2>/dev/null)"
is "logs as data" "2" "$(deploy logs nightly --format json | field event | grep -c '^spawn$')"

deploy logs -f nightly >followed 2>/dev/null &
followed=$!
status=0
printf 'one\ntwo\n' | deploy attach nightly >attached 2>/dev/null || status=$?
is "the status of attach" 7 "$status"
wait "$followed"
is "attach shows all of it" "$(printf '%s\necho one\necho two' "$ready" | sort)" "$(sort attached)"
is "so does logs -f" "$(sort attached)" "$(sort followed)"
is "ps, when it has ended" ended:7 "$(state "$id")"
status=0
deploy attach nightly </dev/null >again 2>/dev/null || status=$?
is "attach, when it has ended" "7 $(sort attached)" "$status $(sort again)"

id=$(deploy --detach main.ts)
until_is running state "$id"
is "kill as data" "$id" "$(deploy kill "$id" --grace 0 --format json | field run)"
until_is ended:137 state "$id"
status=0
deploy kill "$id" 2>refused || status=$?
is "kill, when it has ended" "1 deploy: run $id (main.ts) has ended" "$status $(cat refused)"
