#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/compare_curve.sh TOKENIZER DATASET FOLDER [key=value...]
#
# The loss curve beside PyTorch, from nothing: makes a model of 29.7 M parameters with the
# vocabulary of Qwen2.5, whose tokenizer.json lies in the folder TOKENIZER, trains it for 100 steps on
# the ShareGPT file DATASET in fp32 (key=value changes the recipe), trains it again with a kill -9 at
# a random moment and a second start, checks that both folders hold the same bytes, and has
# tools/compare_curve.py train it in PyTorch and compare. FOLDER gets everything; a part that is
# already there is not done again.
# LEWIN and GOLDEN name the programs (default: those in build/), PYTHON the interpreter.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)

if [ $# -lt 3 ]; then
    sed -n 's/^# usage: /usage: /p' "$0" >&2
    exit 2
fi
tokenizer=$1 dataset=$2 folder=$3
shift 3
lewin=${LEWIN:-$tools/../build/cli/lewin}
golden=${GOLDEN:-$tools/../build/tests/golden/golden}
mkdir -p "$folder"

cat >"$folder/config.json" <<'END'
{
  "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "torch_dtype": "float32",
  "vocab_size": 151936, "hidden_size": 160, "intermediate_size": 800, "num_hidden_layers": 12,
  "num_attention_heads": 5, "num_key_value_heads": 1, "hidden_act": "silu",
  "max_position_embeddings": 2048, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
  "tie_word_embeddings": true, "initializer_range": 0.02, "attention_dropout": 0.0,
  "bos_token_id": 151643, "eos_token_id": 151645, "use_sliding_window": false
}
END
cat >"$folder/recipe.yaml" <<END
model_name_or_path: $folder/base
dataset: $dataset
template: qwen
compute_type: fp32
cutoff_len: 96
max_steps: 100
per_device_train_batch_size: 2
gradient_accumulation_steps: 2
learning_rate: 1.0e-3
lr_scheduler_type: cosine
warmup_ratio: 0.1
weight_decay: 0.1
logging_steps: 1
save_steps: 20
save_total_limit: 1
END

training=("$lewin" train "$folder/recipe.yaml" "$@")

# The lines of a file that may not be there yet.
lines() {
    grep -c '' "$1" 2>/dev/null || true
}

# Trains into FOLDER/broken, kills it when it has done 30 to 90 steps, and starts it again.
train_with_a_kill() {
    local after=$((30 + RANDOM % 61)) output=$folder/broken pid
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
        cmp "$file" "$right/$(basename "$file")"
        echo "same bytes: $(basename "$file")"
    done
    cmp <(grep -oE "$fields" "$left/trainer_log.jsonl") \
        <(grep -oE "$fields" "$right/trainer_log.jsonl")
    echo "same curve: trainer_log.jsonl"
}

[ -d "$folder/base" ] ||
    "$lewin" init "$folder/config.json" -o "$folder/base" --dtype float32 --tokenizer "$tokenizer"
[ -f "$folder/whole/model.safetensors" ] ||
    "${training[@]}" "output_dir=$folder/whole" >"$folder/whole.txt" 2>&1
[ -f "$folder/broken/model.safetensors" ] || train_with_a_kill
compare_runs "$folder/whole" "$folder/broken"
"${PYTHON:-python3}" "$tools/compare_curve.py" "$folder/whole" --case "$folder/case" |
    tee "$folder/compared.txt"
"$golden" "$folder/case"
