// SPDX-License-Identifier: Apache-2.0
// Task arithmetic: what models have learnt, as differences x - base from a common base, of which
// elements are dropped and which are then added up. Differences are never stored: each kernel takes
// them anew from the models' own elements. Called by merger/.
#ifndef LW_OPS_TASK_H
#define LW_OPS_TASK_H

#include "engine/ops/array.h"
#include "shaders/task.h"

// Which elements of a difference stay; the values are those of shaders/task.h.
enum lw_task_kept {
    LW_KEPT_ALL,
    LW_KEPT_CUT,   // those before term.low, by magnitude
    LW_KEPT_BAND,  // those before term.low and not before term.high
    LW_KEPT_PLANE, // those before term.low by the values of `mask`, fp32 [count]
    LW_KEPT_BITS   // those whose bit is set in `mask`, [term][words]
};

// Whose sign decides which terms take part at an element; the values of shaders/task_sum.h.
enum lw_task_consensus { LW_CONSENSUS_NONE, LW_CONSENSUS_WEIGHTED, LW_CONSENSUS_UNWEIGHTED };

struct lw_task_sum {
    const struct lw_array *x; // [term_count]
    size_t term_count;        // at least 1
    struct lw_array base, y;
    enum lw_task_kept kept;
    enum lw_task_consensus consensus;
    bool normalize; // with a consensus: divide by the sum of the weights that agree
    struct lw_buffer mask;
    uint32_t words; // of a term's bits
    struct lw_buffer
        tables;            // struct lw_task_table [term_count / LW_TASK_TERMS, rounded up]; of the
                           // first one divisor, floor and lambda count
    struct lw_buffer sums; // scratch of lw_task_sums_size bytes
    uint64_t count;        // elements, below 2^32
};

// y = base + lambda * (sum of the terms' kept weight * scale * (x - base)) / divisor
void lw_task_sum(struct lw_stream *stream, const struct lw_task_sum *sum);
uint64_t lw_task_sums_size(size_t term_count, uint64_t count);

// Magnitudes as the bits of floats, which are ordered as the magnitudes are: of x - base, or of x
// where the base is absent.
struct lw_task_magnitudes {
    struct lw_array x, base;
    uint64_t count; // elements, below 2^32
};

enum { LW_COUNT_PIECE = 16384, LW_COUNT_PIVOTS = 8 };

// counts[piece][j]: the magnitudes of at least pivots[j] > 0 in each LW_COUNT_PIECE elements.
void lw_task_count(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const uint32_t pivots[LW_COUNT_PIVOTS], const struct lw_buffer *counts);

enum { LW_HISTOGRAM_BINS = 65536 };

// bins[(m - low) >> shift] += 1 for each magnitude m in [low, low + width);
// (width - 1) >> shift < LW_HISTOGRAM_BINS.
struct lw_task_histogram {
    uint32_t low, width, shift;
    struct lw_buffer bins; // uint32 [LW_HISTOGRAM_BINS]
};
void lw_task_histogram(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const struct lw_task_histogram *histogram);

// Bit b of word w is set with the probability threshold / 2^32: where word (i % 4) of Philox's block
// i / 4 of the stream, i = first + 32 w + b, is below it.
struct lw_task_random {
    struct lw_buffer words;
    uint32_t word_count, threshold;
    uint64_t seed, stream, first; // first: a multiple of 4
};
void lw_task_random(struct lw_stream *stream, const struct lw_task_random *random);

// *target = one more than the index of the `rank`-th element, from 1, whose magnitude is `bits`,
// among [first, first + count); where there are fewer, it stays. `target` is a cut's index.
struct lw_task_find {
    uint32_t first, count, bits, rank; // count <= LW_COUNT_PIECE
    struct lw_buffer target;           // uint32
};
void lw_task_find(struct lw_stream *stream, const struct lw_task_magnitudes *magnitudes,
    const struct lw_task_find *find);

enum { LW_NORM_SUM_PIECE = 16384 };

struct lw_task_norm {
    struct lw_array x, base;
    enum lw_task_kept kept;
    bool squares;
    struct lw_buffer mask; // of this term
    struct lw_buffer term; // struct lw_task_term
    struct lw_buffer sums; // fp32 [pieces][2]
    uint64_t count;        // elements, below 2^32
};

// The sums of |x - base|, or of its square, over all elements and over the kept ones, in pieces of
// LW_NORM_SUM_PIECE.
void lw_task_norm(struct lw_stream *stream, const struct lw_task_norm *norm);

#endif
