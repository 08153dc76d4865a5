#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/test.sh [MESON OPTION...]      e.g. tools/test.sh --werror
#
# Installs what is missing, builds in the folder build (LEWIN_BUILD names another), runs all tests
# and prints their summary. Exit status 0 when every test passed. The full log of a run is
# meson-logs/testlog.txt in the build folder. .ci/run calls this with several sets of options.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${LEWIN_BUILD:-build}
tools/setup.sh build test
tools/build.sh "$folder" "$@" -Dtests=true

meson test -C "$folder" --no-rebuild --print-errorlogs \
    --timeout-multiplier "${LEWIN_TEST_TIMEOUT:-2}"
