#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/bench_peers.sh [--preset NAME | --config FOLDER] [--seq N] [--batch N] [--rounds N]
#                             [--steps N] [--precision fp32|bf16] [--compile] [--limit SECONDS]
#                             [--json]
#
# Training steps of Lewin and of other programs that are installed, side by side in one run: the same
# model, batch and precision, in alternating rounds, of which medians are taken. PYTHON names the
# interpreter that has torch and transformers, LEWIN the program (default: build/cli/lewin).
#
# llama.cpp is measured, on the CPU and on its Vulkan device, where llama-finetune is on PATH and PYTHON
# has gguf (Debian: llama.cpp-examples, libggml0-backend-vulkan, libggml0-backend-blas, python3-gguf).
# It always trains in fp32 and one sequence a step. A run of it ends after --limit seconds (120); the
# steps done by then count, and the row is not measured again. On a machine with other work
# OMP_WAIT_POLICY=passive keeps it and PyTorch from losing much more than Lewin does.
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)

# On CPUs PyTorch's matrix products come from the system's BLAS, whose OpenMP build is the fast one
# and shares PyTorch's threads.
openblas=$(ls -d /usr/lib/*/openblas-openmp 2>/dev/null | head -n 1)
if [ -n "$openblas" ]; then
    export LD_LIBRARY_PATH=$openblas${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}
exec "${PYTHON:-python3}" "$tools/bench_peers.py" \
    --lewin "${LEWIN:-$tools/../build/cli/lewin}" "$@"
