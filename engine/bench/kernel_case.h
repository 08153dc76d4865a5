// SPDX-License-Identifier: Apache-2.0
// The frame that the cases of kernels.c are written in: operands with random contents in device
// memory, the operation recorded and timed, its figures handed out. Private to bench.
//
//     static void swiglu_case(struct lw_kernel_case *c)
//     {
//         if (!lw_case_begin(c, "swiglu", "%u x %u", rows, columns)) {
//             return;
//         }
//         struct swiglu operands = {lw_case_tensor(c, rows, 2 * columns), ...};
//         lw_case_end(c, &(struct lw_case_work){.record = record_swiglu, .operation = &operands,
//             .bytes = ..., .flops = ...});
//     }
//
// The first failure is kept; what follows it does nothing.
#ifndef LW_BENCH_KERNEL_CASE_H
#define LW_BENCH_KERNEL_CASE_H

#include "engine/bench/kernels.h"
#include "engine/model/inputs.h"
#include "engine/ops/tensor.h"

struct lw_kernel_case {
    const struct lw_kernels_params *params;
    struct lw_inputs *inputs; // a batch of random sequences
    struct lw_error *error;
    bool failed;
    // Of the case under way.
    const char *name;
    char shape[96];
    struct lw_arena *arena;
    struct lw_stream *fill; // writes the operands
    uint32_t seed;
};

// Starts a case. False: it is not wanted, or something failed before; nothing else may be called.
LW_PRINTF(3, 4)
bool lw_case_begin(struct lw_kernel_case *c, const char *name, const char *format, ...);

// Memory of the case, not filled.
struct lw_buffer lw_case_buffer(struct lw_kernel_case *c, uint64_t bytes);
// A dense tensor of random numbers with deviation 1: of any type, and of the model's.
struct lw_tensor lw_case_tensor_of(
    struct lw_kernel_case *c, enum lw_type type, uint32_t rows, uint32_t columns);
struct lw_tensor lw_case_tensor(struct lw_kernel_case *c, uint32_t rows, uint32_t columns);
// The same for `count` fp32 numbers of any deviation.
struct lw_buffer lw_case_numbers(struct lw_kernel_case *c, uint64_t count, float deviation);

struct lw_case_work {
    void (*record)(struct lw_stream *stream, const void *operation);
    const void *operation;
    double bytes, flops;
    bool product;
};

// Fills the operands, times the operation and hands out its figures.
void lw_case_end(struct lw_kernel_case *c, const struct lw_case_work *work);

// The cases, by file: kernel_products.c, kernel_attention.c, kernel_rows.c, kernel_vocabulary.c.
void lw_bench_products(struct lw_kernel_case *c);
void lw_bench_attention(struct lw_kernel_case *c);
void lw_bench_rows(struct lw_kernel_case *c);
void lw_bench_vocabulary(struct lw_kernel_case *c);

#endif
