#!/bin/sh
# Runs the image's program as its user: the version, then a preflight of a sample that must be Ready. Needs buildah.
set -eu
container=$(buildah from --pull-never "$1")
trap 'buildah rm "$container" >/dev/null' EXIT
run() { buildah run --isolation chroot --user 10001:10001 "$container" -- /bin/sh -c "umask 077; cd /tmp; $1"; }

run "datalab --version"
run "! touch /opt/datalab/written 2>/dev/null" || { echo "the image may be written to" >&2; exit 1; }
run "datalab sample sample --users 2000 >/dev/null"
run "datalab preflight sample/LAB.json --identifiers sample/identifiers.csv --segments sample/segments.csv \
    --demographics sample/demographics.csv --embeddings sample/embeddings.csv --out results"
run "ls results"
