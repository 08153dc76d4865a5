// SPDX-License-Identifier: Apache-2.0
// What the kernels of attention for GPUs are written in: a workgroup owns ROWS rows (queries, or
// keys) and walks the other side COLUMNS at a time. The kernel says how many products of rows with
// columns it needs (SCORE_SETS: row operand s times column operand s), how many sums of weighted
// columns it keeps (SUM_SETS), and which columns sum s takes (SUM_COLUMNS(s)). Two engines do that:
// attention_tile.glsl with multiply-adds, attention_matrix.glsl (MATRIX defined) on matrix cores.
// Each thread has THREAD_ROWS rows and THREAD_COLUMNS columns of a tile of scores, those numbered
// row_of(i) and column_of(j); score_index(set, i, j) is their place in its arrays of VALUES.
// WEIGHT_GRADIENTS: the weights of sum 0 are gradients. Include after attention_common.glsl and args.

struct Operand {
    uint64_t base; // of the head's columns
    uint stride;   // elements
    uint scale;    // its number among the magnitudes of args.scales
};

Operand row_operand[SCORE_SETS], column_operand[2];

#ifdef MATRIX
#include "attention_matrix.glsl"
#else
#include "attention_tile.glsl"
#endif
