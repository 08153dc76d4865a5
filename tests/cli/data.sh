#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lewin data, and the exit statuses of every kind of unusable data. usage: data.sh LEWIN
lewin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
model=$LEWIN_TEST_DATA/tokenizers/qwen2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

# expect STATUS PART COMMAND...: the exit status, and a part of what is printed (stdout and stderr).
expect()
{
    status=$1 part=$2
    shift 2
    printed=$("$@" 2>&1)
    got=$?
    case $printed in *"$part"*) found=yes ;; *) found=no ;; esac
    if [ $got != "$status" ] || [ $found = no ]; then
        echo "FAILED: $*"
        echo "  exit status $got, expected $status; expected in the output: $part"
        echo "$printed" | sed 's/^/  | /'
        failures=$((failures + 1))
    fi
}

turn='{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello.\nYou?"}'
printf '[{"conversations": [%s]}]' "$turn" > good.json
printf '{"conversations": [%s]}\n{"conversations": [%s, %s]}\n' "$turn" "$turn" "$turn" > good.jsonl
: > empty.json
printf '[]' > none.json
printf '[{"a": 1},\n{"conversations": []},\n{"conversations": 3}]' > bad.json
printf '[{"conversations": [{"from": "human", "value": "Hi."}]}]' > unanswered.json
printf '[{"conversations": [{"from": "gpt", "value": "a"}, {"from": "human", "value": "b"}]}]' \
    > order.json
printf '[{"conversations": [%s]},\n{"conversations": [{"from": "human", "val' "$turn" > cut.json
printf '[\n{"conversations": [{"from": "human", "value": "\377"}]}]' > bytes.json

expect 0 'usage: lewin data show' "$lewin" data --help
expect 2 'show or check' "$lewin" data
expect 2 'did you mean --index?' "$lewin" data show --indx 3 "$model" good.json
expect 2 'MODEL and DATA' "$lewin" data show "$model"
expect 2 'known: qwen' "$lewin" data check --template quen good.json
expect 2 '--cutoff-len' "$lewin" data check --cutoff-len 0 good.json
expect 2 'exclude each other' "$lewin" data check --mask-history --train-on-prompt good.json

expect 2 'true, false or null' "$lewin" data check --enable-thinking maybe good.json
expect 2 'cut or safe' "$lewin" data check --on-long-record drop good.json

expect 0 '[<|im_end|>][⏎]' "$lewin" data show "$model" good.json
expect 0 'turn, template qwen' "$lewin" data show "$model" good.json
expect 0 '2 turns' "$lewin" data show "$model" good.jsonl --index 1
expect 0 'template  qwen, recognised from' "$lewin" data show "$model" good.json
expect 0 'template smollm2' "$lewin" data show "$model" good.json --template smollm2
expect 0 'headers and stop tokens are kept' \
    "$lewin" data show "$model" good.json --cutoff-len 20 --on-long-record safe
expect 0 '[<|im_end|>][⏎]' \
    "$lewin" data show "$model" good.json --cutoff-len 20 --on-long-record safe
expect 3 'it has no chat template to recognise; say which template' \
    "$lewin" data check --model . good.json
expect 0 'cut off at 20 tokens' "$lewin" data show "$model" good.json --cutoff-len 20
expect 3 'has 1 record' "$lewin" data show "$model" good.json --index 1
expect 3 'line 1: no assistant' "$lewin" data show "$model" unanswered.json
expect 3 'nowhere' "$lewin" data show nowhere good.json
expect 3 'absent.json' "$lewin" data show "$model" absent.json

expect 0 '2 records, 2 good, 0 bad' "$lewin" data check good.json good.jsonl
expect 0 'trained on' "$lewin" data check --model "$model" good.json good.jsonl
expect 0 'truncated examples                1' \
    "$lewin" data check --model "$model" good.json --cutoff-len 30
expect 3 'line 1: the file is empty' "$lewin" data check empty.json
expect 3 'there is no record in none.json' "$lewin" data check none.json
expect 3 '3 of 3 records cannot be used' "$lewin" data check bad.json
expect 3 'line 2: no messages' "$lewin" data check bad.json
expect 3 "line 1: no assistant's turn" "$lewin" data check unanswered.json
expect 3 "line 1: message 1: an assistant's turn" "$lewin" data check order.json
expect 3 'line 2: the file ends inside a record' "$lewin" data check cut.json
expect 3 'line 2: bytes that are not UTF-8' "$lewin" data check bytes.json
expect 3 '1 of 2 records' "$lewin" data check good.json order.json
expect 3 'absent.json' "$lewin" data check absent.json

# Tools and calls under every format of theirs.
tools=$LEWIN_SHARED/data/glaive_toolcall_en_demo.json
if [ -f "$tools" ]; then
    for pair in qwen:qwen2 qwen3:qwen3 qwen3_nothink:qwen3 llama3:llama3 phi:phi3 llama2:phi3 \
        mistral:phi3 alpaca:qwen2; do
        expect 0 '300 records, 300 good, 0 bad' "$lewin" data check "$tools" \
            --model "$LEWIN_SHARED/fixtures/tokenizers/${pair#*:}" --template "${pair%:*}"
    done
fi

if command -v zstd > /dev/null; then
    zstd -q good.jsonl
    expect 0 '2 records, 2 good' "$lewin" data check good.jsonl.zst
    head -c 40 good.jsonl.zst > cut.zst
    expect 3 'cut.zst' "$lewin" data check cut.zst
fi
[ $failures = 0 ]
