#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/compare_recipes.sh FIXTURES DATA FOLDER
#
# What a recipe may say about data, order and schedule, beside PyTorch: trains the tiny models of the
# golden fixtures in the folder FIXTURES by many recipes on a mixture of LLaMA-Factory's sample files
# in the folder DATA (tools/curve/mixture.py), and has tools/compare_curve.py compare each curve. FOLDER
# gets everything. Exit status 1 when one of them is not equal.
# LEWIN names the program (default: that in build/), PYTHON the interpreter.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)

if [ $# -ne 3 ]; then
    sed -n 's/^# usage: /usage: /p' "$0" >&2
    exit 2
fi
fixtures=$1 data=$2 folder=$3
lewin=${LEWIN:-$tools/../build/cli/lewin}
python=${PYTHON:-python3}
mkdir -p "$folder"
"$python" "$tools/curve/mixture.py" "$data" "$folder/data"
cat >"$folder/recipe.yaml" <<END
dataset: alpaca,turns,identity
dataset_dir: $folder/data
compute_type: fp32
cutoff_len: 300
max_steps: 40
per_device_train_batch_size: 2
gradient_accumulation_steps: 3
learning_rate: 1.0e-3
lr_scheduler_type: cosine
warmup_ratio: 0.1
weight_decay: 0.1
logging_steps: 1
save_strategy: "no"
END
unequal=0

# compare NAME CASE TEMPLATE [key=value...]
compare() {
    local output=$folder/$1 model=$fixtures/cases/$2/model template=$3
    printf '%-28s %s' "$1" "$3"
    shift 3
    echo "${*:+ $*}"
    rm -rf "$output"
    "$lewin" train "$folder/recipe.yaml" "model_name_or_path=$model" "template=$template" \
        "output_dir=$output" "$@" >"$output.log" 2>&1
    "$python" "$tools/compare_curve.py" "$output" --tolerance 1e-5 >"$output.txt" 2>/dev/null ||
        unequal=1
    grep -E '^[0-9]+ steps|^largest|^(NOT )?[eE][qQ][uU][aA][lL]' "$output.txt" | sed 's/^/    /'
}

compare held-out qwen3 qwen3 val_size=0.1 eval_steps=15
compare last-turn-only qwen3 qwen3 mask_history=true mix_strategy=interleave_over \
    interleave_probs=0.25,0.25,0.5
compare no-thoughts qwen3 qwen3 dataset=turns enable_thinking=false cutoff_len=100
compare no-thoughts-last-turn-only qwen3 qwen3 dataset=turns enable_thinking=false mask_history=true
compare prompts-trained qwen3 qwen3_nothink train_on_prompt=true max_samples=31 max_steps=-1 \
    num_train_epochs=3 lr_scheduler_type=linear warmup_steps=7
compare interleave-under llama31 llama3 mix_strategy=interleave_under val_size=50 eval_steps=20 \
    data_seed=7 seed=5
compare in-order phi3 phi mix_strategy=interleave_over disable_shuffling=true val_size=0.05 \
    eval_steps=20 per_device_eval_batch_size=3 lr_scheduler_type=constant_with_warmup
compare short phi3 phi dataset=turns cutoff_len=60 per_device_train_batch_size=1 mask_history=true
compare half-an-epoch qwen2_packed qwen per_device_train_batch_size=3 \
    gradient_accumulation_steps=1 num_train_epochs=0.5 max_steps=-1
exit $unequal
