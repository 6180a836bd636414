#!/usr/bin/env bash
# A walk through a Data Lab with synthetic data: `make demo`. Every command it runs is printed; try them yourself.
#
# 1. files on this machine: generated with a few errors, and checked before anyone else sees them
# 2. a running lab: uploaded, provisioned, validated automatically
# 3. a refresh: new segments, and only what depends on them is computed again
#
# On a terminal the lab then runs until Ctrl-C; elsewhere (CI) it is stopped. All files are in DEMO (demo-lab).
set -euo pipefail
cd "$(dirname "$0")"

DEMO=${DEMO:-demo-lab}
USERS=${USERS_OF_DEMO:-50000}
DATALAB=$PWD/.venv/bin/datalab
PYTHON=$PWD/.venv/bin/python
export DATALAB_HOME="$PWD/$DEMO/home"
case "$DEMO" in /*) DATALAB_HOME="$DEMO/home" ;; esac

run() {
  printf '\n$ datalab'
  printf ' %q' "$@"
  printf '\n'
  "$DATALAB" "$@"
}

heading() { printf '\n== %s\n' "$*"; }

free_port() { # the given one, or any other if it is in use
  "$PYTHON" - "$1" <<'PYTHON'
import socket, sys

for port in (int(sys.argv[1]), 0):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        print(probe.getsockname()[1])
        break
PYTHON
}

mkdir -p "$DEMO"
port=$(free_port 3000) portal_port=$(free_port 8000) log="$DEMO/up.log"
printf '$ datalab up --port %s --portal-port %s &    (takes some seconds; meanwhile:)\n' "$port" "$portal_port"
"$DATALAB" up --port "$port" --portal-port "$portal_port" >"$log" 2>&1 &
up=$!
stop() {
  kill -TERM "$up" 2>/dev/null && wait "$up" || true
}
trap stop EXIT
trap 'exit 130' INT TERM

heading "1. Files on this machine"
run sample "$DEMO" --users "$USERS" --seed 7 --dirty 0.02
run preflight "$DEMO/LAB.json" --identifiers "$DEMO/identifiers.csv" --segments "$DEMO/segments.csv" \
  --demographics "$DEMO/demographics.csv" --embeddings "$DEMO/embeddings.csv" --out "$DEMO/reports"

heading "2. A running lab"
until grep -q 'Ctrl-C to stop it' "$log"; do
  kill -0 "$up" 2>/dev/null || { cat "$log" >&2; exit 1; }
  sleep 0.2
done
cat "$log"

lab="Demo of $(date '+%Y-%m-%d %H:%M:%S')" # labs of earlier demos are still there
run lab create "$DEMO/LAB.json" --name "$lab"
run dataset upload "$DEMO/identifiers.csv" --description "first delivery"
run dataset list
run provision "$lab" --identifiers "$("$DATALAB" dataset list --size 1 --json | "$PYTHON" -c \
  'import json, sys; print(json.load(sys.stdin)[0]["manifestHash"])')" \
  --segments "$DEMO/segments.csv" --demographics "$DEMO/demographics.csv" --embeddings "$DEMO/embeddings.csv"
run status "$lab" --watch
run results "$lab"

heading "3. A refresh: a tenth of the segments' rows are removed"
rows=$(wc -l <"$DEMO/segments.csv")
head -n "$((rows * 9 / 10))" "$DEMO/segments.csv" >"$DEMO/segments-refreshed.csv"
run provision "$lab" --segments "$DEMO/segments-refreshed.csv" --cause "weekly refresh"
run status "$lab" --watch
run runs "$lab"

heading "Where to look"
grep -v 'Starting' "$log"
echo "To use it: export DATALAB_HOME='$DATALAB_HOME'; .venv/bin/datalab status"
if [ -t 1 ]; then
  trap 'exit 0' INT TERM
  wait "$up"
else
  echo "Not a terminal: the lab is stopped now. Start it again with: DATALAB_HOME='$DATALAB_HOME' .venv/bin/datalab up"
fi
