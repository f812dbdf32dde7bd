#!/usr/bin/env bash
# Prints the path of a Chromium for the browser check: $CHROMIUM, or one on the PATH, or Debian's package, installed where
# the caller is root. Anything else than the path goes to stderr.
set -euo pipefail

find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return 0
  done
  return 1
}

if [[ -n "${CHROMIUM:-}" ]]; then
  if command -v "$CHROMIUM"; then exit 0; fi
  echo "browser check: \$CHROMIUM is $CHROMIUM, which cannot be run; point it at a Chromium or unset it" >&2
  exit 1
fi

if find_chromium; then exit 0; fi

if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  echo "browser check: no Chromium found; installing Debian's package (this takes a minute) …" >&2
  export DEBIAN_FRONTEND=noninteractive
  if { apt-get update -q && apt-get install -y -q --no-install-recommends chromium; } >&2 && find_chromium; then exit 0; fi
fi

echo "browser check: no Chromium; install one (Debian: apt-get install chromium) or set CHROMIUM=/path/to/chromium" >&2
exit 1
