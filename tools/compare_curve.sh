#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/compare_curve.sh FAMILY TOKENIZER DATASET FOLDER [key=value...]
#
# The loss curve beside PyTorch, from nothing: makes a model of about 30 M parameters with the shape
# of tools/curve/FAMILY.json (qwen2, qwen3, llama3.1, phi3) and the family's vocabulary, whose
# tokenizer.json lies in the folder TOKENIZER (for phi3: that of Llama-2), trains it for 200 steps on
# DATASET in fp32 (key=value changes the recipe), and has tools/compare_curve.py train it in PyTorch
# and compare. With KILL=1 in the environment it also trains with a kill -9 at a random moment and a
# second start, and checks that both folders hold the same bytes. FOLDER gets everything; a part that
# is already there is not done again.
# LEWIN and GOLDEN name the programs (default: those in build/), PYTHON the interpreter.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)

usage() {
    sed -n 's/^# usage: /usage: /p' "$0" >&2
    exit 2
}

[ $# -ge 4 ] || usage
family=$1 tokenizer=$2 dataset=$3 folder=$4
shift 4
lewin=${LEWIN:-$tools/../build/cli/lewin}
golden=${GOLDEN:-$tools/../build/tests/golden/golden}
python=${PYTHON:-python3}
case $family in
    qwen2) template=qwen ;;
    qwen3) template=qwen3 ;;
    llama3.1) template=llama3 ;;
    phi3) template=phi ;;
    *) usage ;;
esac
mkdir -p "$folder"

cat >"$folder/recipe.yaml" <<END
model_name_or_path: $folder/base
dataset: $dataset
template: $template
compute_type: fp32
cutoff_len: 96
max_steps: 200
per_device_train_batch_size: 2
gradient_accumulation_steps: 2
learning_rate: 1.0e-3
lr_scheduler_type: cosine
warmup_ratio: 0.1
weight_decay: 0.1
logging_steps: 1
save_steps: 40
save_total_limit: 1
END

training=("$lewin" train "$folder/recipe.yaml" "$@")

make_base() {
    if [ "$family" = phi3 ]; then
        "$python" "$tools/curve/phi3_tokenizer.py" "$tokenizer" "$folder/tokenizer"
        tokenizer=$folder/tokenizer
    fi
    "$lewin" init "$tools/curve/$family.json" -o "$folder/base" --dtype float32 \
        --tokenizer "$tokenizer"
}

# The steps in a log that may not be there yet; its last line is of none.
lines() {
    grep -c '"loss"' "$1" 2>/dev/null || true
}

# Trains into FOLDER/broken, kills it when it has done 20 to 90 of 100 steps, and starts it again.
train_with_a_kill() {
    local steps after output=$folder/broken pid
    steps=$(lines "$folder/whole/trainer_log.jsonl")
    after=$((steps * (20 + RANDOM % 71) / 100))
    "${training[@]}" "output_dir=$output" >"$output.txt" 2>&1 &
    pid=$!
    while [ "0$(lines "$output/trainer_log.jsonl")" -lt "$after" ] && kill -0 "$pid"; do
        sleep 0.2
    done
    kill -9 "$pid" || true
    wait "$pid" || true
    echo "killed after step $(lines "$output/trainer_log.jsonl"), with" \
        "$(cd "$output" && echo checkpoint-*)"
    "${training[@]}" "output_dir=$output" >>"$output.txt" 2>&1
}

# The final model, byte for byte, and the curve; the times in the log do not count.
compare_runs() {
    local left=$1 right=$2 file fields='"(loss|grad_norm|lr|epoch|total_tokens)": [^,}]*'
    for file in "$left"/*.safetensors "$left"/*.json; do
        case $file in *_state.json | *_results.json) continue ;; esac # hold times
        cmp "$file" "$right/${file##*/}"
        echo "same bytes: ${file##*/}"
    done
    cmp <(grep -oE "$fields" "$left/trainer_log.jsonl") \
        <(grep -oE "$fields" "$right/trainer_log.jsonl")
    echo "same curve: trainer_log.jsonl"
}

# Runs the golden case and prints what failed and the largest differences.
check_case() {
    printf '\n%s example, Lewin beside transformers on the trained model:\n' "$1"
    "$golden" "$folder/cases/$1" | tee "$folder/cases/$1.txt" | grep -Ev '^ok .* relative '
}

[ -d "$folder/base" ] || make_base
[ -f "$folder/whole/model.safetensors" ] ||
    "${training[@]}" "output_dir=$folder/whole" >"$folder/whole.txt" 2>&1
if [ -n "${KILL:-}" ]; then
    [ -f "$folder/broken/model.safetensors" ] || train_with_a_kill
    compare_runs "$folder/whole" "$folder/broken"
fi
"$python" "$tools/compare_curve.py" "$folder/whole" --cases "$folder/cases" |
    tee "$folder/compared.txt"
for case in longest shortest; do
    check_case "$case"
done
