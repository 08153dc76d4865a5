#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/build.sh FOLDER [MESON OPTION...]
#
# Configures FOLDER (or, where it is configured already, sets the options given) and compiles.
# The compiler's output is shown only when the build fails or warns. tools/demo.sh and tools/test.sh
# call it.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Shows the end of the log and stops.
fail() {
    tail -n 60 "$log" >&2
    printf 'build: error: %s\n' "$*" >&2
    exit 1
}

# A newer glslang in its private folder (tools/fetch_glslang.sh) is taken where there is one.
glslang=$PWD/build-tools/glslang/glslangValidator
if [ -x "$glslang" ]; then
    set -- "-Dglslang=$glslang" "$@"
fi

printf 'build: %s\n' "$folder"
if [ -f "$folder/build.ninja" ]; then
    if [ $# -gt 0 ]; then
        meson configure "$folder" "$@" >"$log" 2>&1 || fail "meson cannot set $* in $folder"
    fi
else
    meson setup "$folder" "$@" >"$log" 2>&1 || fail "meson cannot configure $folder"
    # What was found and what was left out, as the project's meson.build sums it up.
    sed -n '/^lewin [0-9]/,$p' "$log" | grep -v '^Found ninja' || true
fi
ninja -C "$folder" >"$log" 2>&1 || fail "the build in $folder failed (the lines above say where)"
if grep -A 8 'warning:' "$log"; then
    printf 'build: the warnings above are worth a report\n'
fi
