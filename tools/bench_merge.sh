#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/bench_merge.sh [--work DIR] [--layers N] [--rounds N] [--methods "linear ties dare_ties hashed"]
#
# Merges of a pair of bf16 models beside `cp` of the bytes that come out, and beside reading the bytes
# that go in ("read"), in alternating rounds: with the models in the page cache, and with all files read
# from the disk. Both end with the bytes on the disk. The pair (default: 2 x 4 GB) is made in DIR and kept there for the next time. Beside them,
# where PYTHON has torch and safetensors: LM-Cocktail's way (all models in memory, summed, saved).
# "hashed" is linear with the SHA-256 of all files in its manifest, which the others leave out.
# LEWIN names the program (default: build/cli/lewin). MERGEKIT, where it is set, is mergekit's command
# (mergekit-yaml), which then merges by the same recipe for each of the methods. Prints medians and
# their ratio to cp.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
lewin=${LEWIN:-$tools/../build/cli/lewin}
work=${TMPDIR:-/tmp}/lewin-bench-merge
layers=38
rounds=3
methods='linear ties dare_ties hashed'
while [ $# -gt 0 ]; do
    case $1 in
        --work) work=$2 ;;
        --layers) layers=$2 ;;
        --rounds) rounds=$2 ;;
        --methods) methods=$2 ;;
        *)
            sed -n '3,5p' "$0" >&2
            exit 2
            ;;
    esac
    shift 2
done
mkdir -p "$work"

# A pair as fine-tuning makes one: the second is the first and a little of something else.
if [ ! -d "$work/tuned-$layers" ]; then
    "$lewin" init qwen2.5-1.5b --print |
        sed "s/\"num_hidden_layers\": [0-9]*/\"num_hidden_layers\": $layers/" >"$work/config.json"
    rm -rf "$work/base-$layers" "$work/other"
    "$lewin" init "$work/config.json" -o "$work/base-$layers" --seed 1 >&2
    "$lewin" init "$work/config.json" -o "$work/other" --seed 2 >&2
    "$lewin" merge "$work/base-$layers" "$work/other" -o "$work/tuned-$layers" --weights 0.98,0.02 >&2
    rm -r "$work/other"
fi
base=$work/base-$layers
tuned=$work/tuned-$layers

printf 'merge_method: linear\nmodels:\n  - {model: %s, parameters: {weight: 0.5}}\n  - {model: %s, parameters: {weight: 0.5}}\ndtype: bfloat16\n' \
    "$base" "$tuned" >"$work/linear.yml"
for method in $methods; do
    case $method in linear | hashed) continue ;; esac
    printf 'merge_method: %s\nbase_model: %s\nmodels:\n  - model: %s\n    parameters: {weight: 0.5, density: 0.5}\n' \
        "$method" "$base" "$tuned" >"$work/$method.yml"
done

# Takes the models' files out of the page cache (written ones must be on the disk first).
forget() {
    sync
    find "$base" "$tuned" -type f -print0 | while IFS= read -r -d '' file; do
        dd if="$file" iflag=nocache count=0 status=none
    done
}

remember() {
    cat "$base"/* "$tuned"/* >/dev/null
}

# The seconds of a command whose output is wanted on the disk; appended to the list of its name.
measure() {
    local name=$1 start
    shift
    rm -rf "$work/out"
    sync
    start=$(date +%s.%N)
    "$@" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
    sync
    echo "$(date +%s.%N) $start" | awk '{print $1 - $2}' >>"$work/times-$name"
    grep -o 'peak memory [0-9.]* GB' "$work/log" >"$work/memory-$name" || true
}

merge() {
    case $1 in
        hashed) "$lewin" merge "$base" "$tuned" -o "$work/out" ;;
        linear) "$lewin" merge "$base" "$tuned" -o "$work/out" --no-hash ;;
        *) "$lewin" merge "$work/$1.yml" -o "$work/out" --no-hash ;;
    esac
}

beside=
for method in $methods; do
    [ -z "${MERGEKIT:-}" ] || [ "$method" = hashed ] || beside="$beside mergekit-$method"
done
if "${PYTHON:-python3}" -c 'import torch, safetensors' 2>/dev/null; then
    beside="$beside torch"
fi
rm -f "$work"/times-* "$work"/memory-*
for ((round = 0; round < rounds; round++)); do
    for cache in warm cold; do
        for name in cp read $methods $beside; do
            if [ $cache = warm ]; then remember; else forget; fi
            case $name in
                read) measure "read-$cache" sh -c 'cat "$0"/* "$1"/* >/dev/null' "$base" "$tuned" ;;
                cp) measure "cp-$cache" cp -r "$base" "$work/out" ;;
                # Its command may be several words.
                mergekit-*) measure "$name-$cache" $MERGEKIT "$work/${name#mergekit-}.yml" "$work/out" --allow-crimes --no-copy-tokenizer ;;
                torch) measure "torch-$cache" "${PYTHON:-python3}" "$tools/bench_merge.py" "$base" "$tuned" "$work/out" ;;
                *) measure "$name-$cache" merge "$name" ;;
            esac
        done
    done
done
rm -rf "$work/out"

median() {
    sort -g "$1" | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'
}
bytes=$(du -sb "$base" | cut -f1)
printf '%.2f GB a model, medians of %s rounds\n' "$(echo "$bytes" | awk '{print $1 / 1e9}')" "$rounds"
for cache in warm cold; do
    reference=$(median "$work/times-cp-$cache")
    for name in cp read $methods $beside; do
        seconds=$(median "$work/times-$name-$cache")
        printf '%-4s %-18s %7.2f s  %5.2f of cp  %s\n' "$cache" "$name" "$seconds" \
            "$(echo "$seconds $reference" | awk '{print $1 / $2}')" "$(cat "$work/memory-$name-$cache" 2>/dev/null)"
    done
done
