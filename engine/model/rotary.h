// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding as config.json describes it: which columns are rotated, at which
// frequencies, and for longrope by which of two tables. Part of struct lw_config.
#ifndef LW_MODEL_ROTARY_H
#define LW_MODEL_ROTARY_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

struct lw_json_scope;

enum lw_rotary_kind { LW_ROTARY_PLAIN, LW_ROTARY_LINEAR, LW_ROTARY_LLAMA3, LW_ROTARY_LONGROPE };

#define LW_ROTARY_MOST 512 // frequencies: half of the largest head_dim

struct lw_rotary {
    enum lw_rotary_kind kind;
    uint32_t columns; // of each head that are rotated, from its first; even
    double theta;
    double factor;                                      // linear, llama3
    double low_frequency_factor, high_frequency_factor; // llama3
    uint32_t original_positions;                        // llama3, longrope: length of pretraining
    double attention_factor; // multiplies cosine and sine; 1 but for longrope
    float short_factor[LW_ROTARY_MOST], long_factor[LW_ROTARY_MOST]; // longrope
};

// What the rest of config.json and the family say.
struct lw_rotary_params {
    uint32_t head_dim, max_positions;
    uint32_t original_positions; // when the file does not say; 0: max_positions
};

// Reads rope_scaling or rope_parameters, rope_theta, partial_rotary_factor and
// original_max_position_embeddings of a config.json. LW_BAD_INPUT names the key; other kinds of
// scaling (yarn, dynamic...) are refused by name.
bool lw_rotary_read(struct lw_rotary *rotary, const struct lw_json_scope *scope,
    const struct lw_rotary_params *params, struct lw_error *error);

// Rows of the frequency table: 2 for longrope (short, long), else 1.
uint32_t lw_rotary_rows(const struct lw_rotary *rotary);

// The row that transformers takes for a forward call whose sequences have at most `length`
// positions: one row for all of them.
uint32_t lw_rotary_row(const struct lw_rotary *rotary, uint64_t length);

// Inverse frequencies, [rows][columns / 2]: fp32 in the order of transformers' modeling_rope_utils.
// linear: arXiv 2306.15595; llama3: Llama 3.1's interpolation by wavelength; longrope: arXiv
// 2402.13753.
void lw_rotary_frequencies(const struct lw_rotary *rotary, float *frequencies);

// Whether both rotate alike, whatever their settings are called.
bool lw_rotary_same(const struct lw_rotary *left, const struct lw_rotary *right);

#endif
