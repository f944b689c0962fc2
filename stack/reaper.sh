#!/bin/sh
# Ends the processes of a launcher that died without stopping them (kill -9). It holds the other end of a pipe whose
# writer is the launcher: as long as that lives, reading blocks; when it dies, reading ends.
# Arguments: the folder of the pid files, and optionally a folder to remove afterwards.
# Reads "stopped" from a launcher that has stopped everything itself.
pids=$1
remove=$2
trap '' INT HUP

while read -r line; do
  [ "$line" = stopped ] && exit 0
done

# The time the process with this number started; empty when there is none, or only a zombie. See process-identity.ts.
identity() {
  if [ -d /proc/self ]; then
    fields=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null)
    case $fields in '' | Z* | X*) return ;; esac
    echo "$fields" | cut -d' ' -f20
  else
    fields=$(LC_ALL=C ps -o stat= -o lstart= -p "$1" 2>/dev/null)
    case $fields in '' | Z*) return ;; esac
    echo "$fields" | awk '{ $1 = ""; sub(/^ /, ""); print }'
  fi
}

still_ours() {
  [ -n "$2" ] && [ "$(identity "$1")" = "$2" ]
}

recorded=
for file in "$pids"/*.pid; do
  [ "$file" = "$pids/reaper.pid" ] && continue
  { read -r pid && read -r started && read -r stop; } <"$file" 2>/dev/null || continue
  still_ours "$pid" "$started" || continue
  kill -s "${stop#SIG}" "$pid"
  kill -s CONT "$pid"
  recorded="$recorded$pid $started
"
done

tries=0
while [ $tries -lt 40 ]; do
  alive=
  while read -r pid started; do
    still_ours "$pid" "$started" && alive="$alive $pid"
  done <<LIST
$recorded
LIST
  [ -z "$alive" ] && break
  [ $tries -eq 39 ] && kill -s KILL $alive
  sleep 0.25
  tries=$((tries + 1))
done

rm -f "$pids"/*.pid
if [ -n "$remove" ]; then
  # See data-directory.ts.
  elsewhere=$(cat "$remove/postgres.elsewhere" 2>/dev/null)
  case $elsewhere in */exact-ratings-*) rm -rf "$elsewhere" ;; esac
  rm -rf "$remove"
fi
exit 0
