#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes mixture_vectors.h: what NumPy draws for the mixtures of mixture_test.c, and the order of
two epochs that dataset_test.c sees.

    python3 tests/unit/trainer/mixture_vectors.py > tests/unit/trainer/mixture_vectors.h

A model in Python, written from what LLaMA-Factory's loader.py (num_samples, max_samples),
data_utils.py (merge_dataset), Hugging Face datasets (map-style interleave_datasets,
train_test_split) and accelerate's SeedableRandomSampler do; only the generators of NumPy and torch
are taken from the original. The committed file was made with NumPy 2.4.6 and torch 2.14.1.
"""
import math
import textwrap

import numpy as np
import torch


def picked(rows, num_samples, max_samples):
    """The rows of one data set, drawn from NumPy's global generator."""
    chosen = np.arange(rows)
    if num_samples:
        chosen = np.random.permutation(rows)[:num_samples]
        lacking = num_samples - len(chosen)
        if lacking > 0:
            chosen = np.concatenate((chosen, np.random.choice(rows, lacking)))
    return [int(row) for row in chosen[:max_samples or len(chosen)]]


def drawn_turns(lengths, probabilities, seed):
    generator = np.random.default_rng(seed)
    while True:
        yield from (int(turn) for turn in generator.choice(len(lengths), size=1000,
                                                           p=probabilities))


def merge(lists, strategy, probabilities, seed):
    """The lists' items in the order in which the strategy takes them."""
    if len(lists) == 1 or strategy == "concat":
        return [row for rows in lists for row in rows]
    lengths = [len(rows) for rows in lists]
    if probabilities is None:
        rounds = min(lengths) if strategy == "interleave_under" else max(lengths)
        return [rows[turn % len(rows)] for turn in range(rounds) for rows in lists
                if strategy != "interleave_once" or turn < len(rows)]
    merged, places, ended = [], [0] * len(lists), [False] * len(lists)
    stop = any if strategy == "interleave_under" else all
    for turn in drawn_turns(lengths, probabilities, seed):
        if stop(ended):
            return merged
        if strategy == "interleave_once" and ended[turn]:
            continue
        merged.append(lists[turn][places[turn]])
        places[turn] += 1
        if places[turn] == lengths[turn]:
            ended[turn], places[turn] = True, 0


def mixture(sources, strategy, probabilities, max_samples, seed):
    lists, first = [], 0
    for rows, num_samples in sources:
        lists.append([first + row for row in picked(rows, num_samples, max_samples)])
        first += rows
    return merge(lists, strategy, probabilities, seed)


HEAD = """\
// SPDX-License-Identifier: Apache-2.0
// Written by mixture_vectors.py; see there.
#ifndef LW_TESTS_MIXTURE_VECTORS_H
#define LW_TESTS_MIXTURE_VECTORS_H

#include <stdbool.h>

#include "trainer/data/mixture.h"

struct mixed_case {
    struct lw_mixture_source sources[3];
    size_t source_count;
    enum lw_mix_strategy strategy;
    double probabilities[3];
    bool has_probabilities;
    uint64_t max_samples, seed;
    size_t count;
    uint32_t rows[120];
};

struct long_case {
    struct mixed_case mixed;
    uint64_t sum; // of (place + 1) * row
};

// clang-format off"""

CASES = (
    # sources (rows, num_samples), strategy, probabilities, max_samples, seed
    (((5, 0), (3, 0)), "concat", None, 0, 42),
    (((5, 0), (3, 0)), "concat", None, 2, 42),
    (((9, 4), (3, 7)), "concat", None, 0, 42),
    (((9, 4), (3, 7)), "concat", None, 3, 7),
    (((1, 3), (8, 8)), "concat", None, 0, 4294967295),
    (((12, 5),), "interleave_under", None, 0, 1),
    (((4, 0), (6, 0), (3, 0)), "interleave_under", None, 0, 42),
    (((4, 0), (6, 0), (3, 0)), "interleave_over", None, 0, 42),
    (((4, 0), (6, 0), (3, 0)), "interleave_once", None, 0, 42),
    (((4, 0), (6, 0), (3, 0)), "interleave_under", (0.7, 0.2, 0.1), 0, 42),
    (((4, 0), (6, 0), (3, 0)), "interleave_over", (0.7, 0.2, 0.1), 0, 42),
    (((4, 0), (6, 0), (3, 0)), "interleave_once", (0.7, 0.2, 0.1), 0, 42),
    (((20, 0), (20, 0), (40, 0)), "interleave_under", (0.25, 0.25, 0.5), 0, 42),
    (((20, 0), (20, 0), (40, 0)), "interleave_over", (0.25, 0.25, 0.5), 0, 12345678901),
    (((10, 20), (30, 6), (7, 0)), "interleave_over", (0.3, 0.3, 0.4), 9, 5),
    (((6, 0), (6, 0)), "interleave_under", (1.0, 0.0), 0, 3),
)
# Long ones, of which a sum stands for the rows: more than the 1000 turns that are drawn at once.
LONG = (
    (((3000, 0), (3000, 0), (9000, 0)), "interleave_under", (0.25, 0.25, 0.5), 0, 42),
    (((3000, 0), (700, 0), (9000, 0)), "interleave_over", (0.25, 0.25, 0.5), 0, 43),
    (((3000, 0), (700, 0), (9000, 0)), "interleave_once", (0.1, 0.2, 0.7), 0, 44),
    (((70000, 50000), (1000, 30000)), "concat", None, 0, 45),
)
# A run: three data sets of which one is drawn from, one row is bad and dropped after the split.
RUN = (((9, 0), (6, 0), (12, 8)), "interleave_over", (0.25, 0.25, 0.5), 0, 42)
RUN_BAD_ROW, RUN_VAL_SIZE, RUN_EPOCHS = 11, 0.15, 2
STRATEGIES = {"concat": "LW_MIX_CONCAT", "interleave_under": "LW_MIX_UNDER",
              "interleave_over": "LW_MIX_OVER", "interleave_once": "LW_MIX_ONCE"}


def draw(case):
    sources, strategy, probabilities, max_samples, seed = case
    np.random.seed(seed % 2**32)
    return mixture(sources, strategy, probabilities, max_samples, seed)


def run():
    """What is held out, and what each epoch trains on, as rows."""
    merged, seed = np.array(draw(RUN)), RUN[-1]
    order = np.random.default_rng(seed).permutation(len(merged))
    count = math.ceil(RUN_VAL_SIZE * len(merged))
    parts = [[int(row) for row in merged[places] if row != RUN_BAD_ROW]
             for places in (order[:count], order[count:])]
    epochs = []
    for epoch in range(RUN_EPOCHS):
        generator = torch.Generator()
        generator.manual_seed(seed + epoch)
        places = torch.randperm(len(parts[1]), generator=generator).tolist()
        epochs.append([parts[1][place] for place in places])
    return parts[0], epochs


def head(case):
    sources, strategy, probabilities, max_samples, seed = case
    rows = ", ".join(f"{{NULL, {count}, {samples}}}" for count, samples in sources)
    weights = ", ".join(repr(weight) for weight in probabilities or (0,))
    return (f"{{{rows}}}, {len(sources)}, {STRATEGIES[strategy]}, {{{weights}}}, "
            f"{int(probabilities is not None)}, {max_samples}, {seed}u")


def main():
    print(HEAD)
    print("static const struct mixed_case mixed_cases[] = {")
    for case in CASES:
        rows = draw(case)
        print(textwrap.fill(f"{{{head(case)}, {len(rows)},", 98, initial_indent="    ",
                            subsequent_indent="     "))
        print(textwrap.fill(", ".join(map(str, rows)), 98, initial_indent="        {",
                            subsequent_indent="         ") + "}},")
    print("};")
    print("static const struct long_case long_cases[] = {")
    for case in LONG:
        rows = draw(case)
        total = sum((place + 1) * row for place, row in enumerate(rows)) % 2**64
        print(textwrap.fill(f"{{{{{head(case)}, {len(rows)}, {{0}}}}, {total}u}},", 98,
                            initial_indent="    ", subsequent_indent="     "))
    print("};")
    held_out, epochs = run()
    for name, rows in (("run_held_out", held_out), ("run_epochs", sum(epochs, []))):
        print(f"static const uint32_t {name}[] = {{")
        print(textwrap.fill(", ".join(map(str, rows)) + "};", 98, initial_indent="    ",
                            subsequent_indent="    "))
    print("// clang-format on")
    print("#endif")


if __name__ == "__main__":
    main()
