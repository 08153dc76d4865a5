// SPDX-License-Identifier: Apache-2.0
// Greedy generation of the product's generator beside the reference's tokens.
#ifndef LW_TESTS_GOLDEN_GENERATION_H
#define LW_TESTS_GOLDEN_GENERATION_H

#include <cJSON.h>

#include "engine/base/error.h"

struct golden_report;
struct lw_config;
struct lw_device;
struct lw_store;

struct golden_generation {
    struct golden_report *report;
    struct lw_device *device;
    const struct lw_config *config;
    const struct lw_store *weights;
    double tie; // how far the reference's token may be below the largest logit
};

// Checks an entry of golden.json's "generation", along the reference's tokens, so that a tie that
// falls to the other side in bf16 does not hide what comes after it.
bool golden_generate(
    const struct golden_generation *generation, const cJSON *entry, struct lw_error *error);

#endif
