// SPDX-License-Identifier: Apache-2.0
// How the methods' work on one tensor is divided. A tensor is walked through a few times; each such
// pass takes it part by part, from the files through a slot to the device, so that memory stays
// bounded whatever the tensor's size. A pass leaves statistics, from which the host decides between
// passes; the last pass writes the result. A tensor that is one part makes all its passes while it
// lies in the slot.
//
// The way of a method is a family: functions that name the passes, record a part's work for the
// device and take what it leaves. compute.c drives them.
#ifndef LW_MERGER_PASSES_H
#define LW_MERGER_PASSES_H

#include "engine/ops/array.h"
#include "merger/plan.h"

// In the order in which they are made.
enum lw_merge_pass {
    LW_PASS_SAMPLE,  // a few elements from all over: no walk, only a guess that saves others
    LW_PASS_PIVOTS,  // how many elements reach each of a few magnitudes
    LW_PASS_BRACKET, // a histogram of what lies around a wanted rank
    LW_PASS_EXACT,   // the same of one bin of it
    LW_PASS_EQUAL,   // where the elements of exactly that magnitude lie
    LW_PASS_SUMS,    // norms and inner products
    LW_PASS_RESULT,
    LW_PASS_COUNT
};

// The elements of LW_PASS_SAMPLE: pieces of neighbours at equal distances.
enum { LW_SAMPLE_PIECES = 16, LW_SAMPLE_PIECE = 1024 };
#define LW_SAMPLE_ELEMENTS ((uint64_t)LW_SAMPLE_PIECES * LW_SAMPLE_PIECE)

// The first element of piece `i` in a tensor.
static inline uint64_t lw_sample_first(uint64_t elements, uint64_t i)
{
    return (elements - LW_SAMPLE_PIECE) / (LW_SAMPLE_PIECES - 1) * i;
}

// What goes into a tensor, and how. Cheap to make anew.
struct lw_merge_outline {
    const struct lw_merge_plan *plan;
    const struct lw_merge_tensor *tensor;
    const struct lw_merge_input *base; // the origin of the differences; NULL: the method has none
    size_t term_count;                 // inputs besides it; they are tensor->inputs less the base
    const struct lw_merge_family *family;
    const struct lw_merge_input *copied; // the result is this input; NULL: it is computed
    uint64_t elements;
    uint32_t rows, columns; // the tensor as a matrix: of rank 1 one row, else rows of the last side
    uint32_t passes;        // 1 << enum lw_merge_pass, that may be needed
    bool whole_rows;        // parts are rows, 32 of them or a multiple, until the last
    // A NaN or an infinity in an input makes the result's element one too, so that looking through
    // the result is enough.
    bool nonfinite_shows;
};

// LW_BAD_INPUT, LW_USAGE: the inputs or values are none that the method can work with; the message
// names tensor and parameter.
bool lw_merge_outline(struct lw_merge_outline *outline, const struct lw_merge_plan *plan,
    const struct lw_merge_tensor *tensor, struct lw_error *error);

// Input `i` of those besides the base, i < term_count.
const struct lw_merge_input *lw_merge_term(const struct lw_merge_outline *outline, size_t i);
// All inputs: the terms, then the base where there is one.
size_t lw_merge_member_count(const struct lw_merge_outline *outline);
const struct lw_merge_input *lw_merge_member(const struct lw_merge_outline *outline, size_t i);
// The parameter of a term; the tensor's.
double lw_merge_term_value(
    const struct lw_merge_outline *outline, size_t i, enum lw_merge_parameter parameter);
double lw_merge_value(const struct lw_merge_outline *outline, enum lw_merge_parameter parameter);
// The same for booleans.
bool lw_merge_flag(const struct lw_merge_outline *outline, enum lw_merge_parameter parameter);

static inline bool lw_merge_has_pass(uint32_t passes, enum lw_merge_pass pass)
{
    return passes >> pass & 1;
}

// A part in its slot.
struct lw_merge_part {
    uint64_t first, count;    // elements of the tensor
    const struct lw_array *x; // [term_count], as in the files; mapped
    struct lw_array base;     // absent where the outline has none
    struct lw_array y;
};

// Device memory that all tensors use in turn; host-visible except for the planes.
struct lw_merge_space {
    struct lw_buffer statistics; // what a part of a pass leaves
    struct lw_buffer tables;     // operands of kernels
    struct lw_buffer factors;    // fp32, of lines of a part
    struct lw_buffer bits;       // of the whole tensor
    struct lw_buffer planes[4];  // fp32, of a part
    struct lw_buffer sums;       // the first three planes as one
};

// Bytes of each; the largest over all tensors counts.
struct lw_merge_sizes {
    uint64_t statistics, tables, factors, bits, plane;
};

// A tensor's work while it goes on.
struct lw_merge_work {
    const struct lw_merge_outline *outline;
    const struct lw_merge_space *space;
    uint32_t passes; // those still needed; `end` may take some out
    void *state;     // the family's, from `begin` to `finish`
};

struct lw_merge_family {
    // Sets passes and whole_rows of the outline, and checks its values.
    bool (*outline)(struct lw_merge_outline *outline, struct lw_error *error);
    // Raises the sizes to what parts of up to `part` elements take.
    void (*size)(
        const struct lw_merge_outline *outline, uint64_t part, struct lw_merge_sizes *sizes);
    bool (*begin)(struct lw_merge_work *work, struct lw_error *error);
    // The device's work on a part; nothing to record is no error.
    bool (*record)(struct lw_merge_work *work, enum lw_merge_pass pass,
        const struct lw_merge_part *part, struct lw_stream *stream, struct lw_error *error);
    // After the device; NULL: nothing to take.
    bool (*collect)(struct lw_merge_work *work, enum lw_merge_pass pass,
        const struct lw_merge_part *part, struct lw_error *error);
    // After a pass's last part; NULL: nothing to decide.
    bool (*end)(struct lw_merge_work *work, enum lw_merge_pass pass, struct lw_error *error);
    void (*finish)(struct lw_merge_work *work); // frees the state
};

extern const struct lw_merge_family lw_merge_family_linear; // weights that are known before
extern const struct lw_merge_family lw_merge_family_angles; // weights that follow from angles
extern const struct lw_merge_family lw_merge_family_task;   // differences with elements dropped
extern const struct lw_merge_family lw_merge_family_sce;
extern const struct lw_merge_family lw_merge_family_fusion; // arcee fusion
extern const struct lw_merge_family lw_merge_family_near;   // nearswap

// For `size`: raises *most to `value`.
static inline void lw_raise(uint64_t *most, uint64_t value)
{
    *most = value > *most ? value : *most;
}

#endif
