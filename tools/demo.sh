#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/demo.sh [LEWIN OPTION...]      e.g. tools/demo.sh --device 1
#
# The main job from nothing to an answer, in minutes and without a GPU: installs what is missing,
# builds, fine-tunes the tiny model in examples/ on 300 conversations, averages it 1:1 with its base
# and asks the result a question. Everything it makes lies in the folder demo (LEWIN_DEMO names
# another), which a second run makes anew. The options are given to each command that computes.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${LEWIN_DEMO:-demo}
mark=$out/.made-by-lewin-demo
lewin=build-release/cli/lewin
question='Write a profile of this person: a night nurse who keeps bees.'

# Shows a command as a user would type it, then runs it.
run() {
    local shown
    shown=$(printf ' %q' "${@:2}")
    printf '\n$ lewin%s\n' "$shown"
    "$@"
}

fail() {
    printf 'demo: error: %s\n' "$*" >&2
    exit 1
}

# The loss of the first or last logged step.
logged_loss() {
    grep '"loss"' "$out/tuned/trainer_log.jsonl" | "$1" -n 1 |
        sed 's/.*"loss": *\([-0-9.e+]*\).*/\1/'
}

if [ -e "$out" ] && [ ! -e "$mark" ] && [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
    fail "$out holds files that this script did not make; name another folder: LEWIN_DEMO=FOLDER"
fi

tools/setup.sh build
tools/build.sh build-release --buildtype=release -Dtests=false

rm -rf "$out"
mkdir -p "$out"
touch "$mark"

run "$lewin" devices
run "$lewin" train examples/demo.yaml output_dir="$out/tuned" "$@"
run "$lewin" merge examples/base "$out/tuned" -o "$out/merged" "$@"
printf '\n'
run "$lewin" chat "$out/merged" --prompt "$question" --temperature 0.7 --max-tokens 120 --seed 1 "$@"

printf '\n\ndemo: loss        %s at the first log, %s at the last\n' \
    "$(logged_loss head)" "$(logged_loss tail)"
printf 'demo: loss curve  %s\n' "$out/tuned/training_loss.svg"
printf 'demo: merged      %s (a Hugging Face folder)\n' "$out/merged"
printf 'demo: took        %d s\n' "$SECONDS"
