#!/usr/bin/env bash
# Checks the format and lints the JavaScript with the pinned tools; a machine that cannot have them gets one line.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "lint: skipping the JavaScript: $1"
  exit 0
}

if [[ ! -d node_modules ]]; then
  command -v npm >/dev/null || skip "npm is missing (install Node 20 or later)"
  npm ci
fi
# npm leaves the binary out where there is none for the platform.
npx --no-install oxlint --version >/dev/null 2>&1 || skip "oxlint has no binary for this platform"

npx --no-install oxfmt --check .
npx --no-install oxlint --deny-warnings .
