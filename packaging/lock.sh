#!/usr/bin/env bash
# Pins what pyproject.toml asks for: every version with its hashes, no address of any index in the files.
# What a lock already names keeps its version while it still fits; `packaging/lock.sh --upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."
UV=.venv/bin/uv
LOCKS=packaging/locks
compile() { # OUTPUT ARGUMENTS…
  local output=$1
  shift
  $UV pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links --output-file "$output" "$@"
}

compile requirements.lock "$@" pyproject.toml
# The libvirt extra alone: what it shares with the product is in requirements.lock.
.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["libvirt"], sep="\n")' |
  compile $LOCKS/libvirt.lock "$@" --constraints requirements.lock -
# Groups are installed together, so each keeps to the versions of those before it.
pinned=(--constraints requirements.lock)
for group in test dev container fuzz; do
  compile $LOCKS/$group.lock "$@" "${pinned[@]}" --group $group
  pinned+=(--constraints "$LOCKS/$group.lock")
done
if grep -nE '[a-z]+://' requirements.lock $LOCKS/*.lock; then
  echo "lock: an address got into the locks (above)" >&2
  exit 1
fi
