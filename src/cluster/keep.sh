#!/bin/sh
# Keeps one program of a cluster running: starts it, and again whenever it ends, sooner at first and later with every failure in a row. SIGTERM ends both.
# Usage: keep.sh RECORD PROGRAM [ARGUMENT]...
# RECORD gets {"pid", "startTime"} of the program that runs, how often one ended, and the exit code of the last (128 + N: ended by signal N).
# A shell, because it takes a megabyte where a Node.js process takes forty (docs/decisions/008).
set -uf

record=$1
shift
child=
stopping=
ends=0
failures=0
code=0

# A program that ran for this long is taken to be well: what happens to it next is a first failure.
WELL_SECONDS=60

stop() {
  stopping=1
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}
trap stop TERM INT
trap '' HUP

now() {
  read -r uptime _ </proc/uptime
  uptime=${uptime%%.*}
}

# Clock ticks since boot at the start of a process: field 22, behind a name in parentheses that may hold anything.
start_of() {
  start=
  read -r stat <"/proc/$1/stat" || return
  set -- ${stat##*) }
  start=${20}
}

# Seen whole or not at all. Without the directory the cluster is gone.
write() {
  [ -d "${record%/*}" ] || exit 0
  printf '{"pid":%d,"startTime":"%s","ends":%d,"lastCode":%d}\n' "$1" "$2" "$ends" "$code" >"$record.new" && mv -f "$record.new" "$record"
}

# `wait` returns early when a signal comes.
await() {
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2>/dev/null || break
  done
  child=
}

run() {
  "$@" &
  child=$!
  # The signal may have come before the pid was known.
  [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
  start_of "$child" 2>/dev/null
  [ -n "$stopping" ] || write "$child" "$start" 2>/dev/null
  await
}

while [ -z "$stopping" ]; do
  now
  began=$uptime
  run "$@"
  [ -z "$stopping" ] || break
  ends=$((ends + 1))
  now
  if [ $((uptime - began)) -ge "$WELL_SECONDS" ]; then failures=0; fi
  failures=$((failures + 1))
  write 0 '' 2>/dev/null
  printf 'keeper: it ended with code %d and is started again (%d)\n' "$code" "$ends" >&2
  case $failures in
    1) delay=0.1 ;;
    2) delay=0.5 ;;
    3) delay=1 ;;
    4) delay=2 ;;
    5) delay=5 ;;
    6) delay=10 ;;
    *) delay=30 ;;
  esac
  last=$code
  sleep "$delay" &
  child=$!
  await
  code=$last
done
rm -f "$record"
