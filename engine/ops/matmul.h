// SPDX-License-Identifier: Apache-2.0
// Matrix products in the three layouts that training needs, fp32 arithmetic. The best variant that
// the device can run is picked from a table: CPU drivers, matrix cores, any GPU.
#ifndef LW_OPS_MATMUL_H
#define LW_OPS_MATMUL_H

#include "engine/gpu/caps.h"
#include "engine/ops/tensor.h"

// c[m, n] = sum over k, with a and b stored as
enum lw_matmul_layout {
    LW_MATMUL_NT, // a [m, k], b [n, k]: Y = X W^T
    LW_MATMUL_NN, // a [m, k], b [k, n]: dX = dY W
    LW_MATMUL_TN  // a [k, m], b [k, n]: dW = dY^T X
};

struct lw_matmul {
    enum lw_matmul_layout layout;
    struct lw_tensor a, b; // of one type: fp32 or bf16
    struct lw_tensor c;    // [m, n]: the type of a, or fp32
    struct lw_tensor bias; // [1, n], the type of a; absent: none
    struct lw_tensor add;  // [m, n], the type of c: c = product + bias + add; add may be c itself
                           // (accumulation); absent: none
    struct lw_buffer scratch; // lw_matmul_scratch() bytes, free again after the product
};

// Bytes of scratch that this product needs on the device (0 for most variants); reads only shapes
// and types.
uint64_t lw_matmul_scratch(const struct lw_device *device, const struct lw_matmul *matmul);

// Records c = a b (+ bias) (+ add). m, n, k are any positive numbers. A shape that does not fit is
// LW_FAILED in the stream.
void lw_matmul(struct lw_stream *stream, const struct lw_matmul *matmul);

enum lw_tune {
    LW_TUNE_OFF,  // nothing is measured
    LW_TUNE_FAST, // the tiles of what is not known yet, a few milliseconds each, on GPUs
    LW_TUNE_FULL  // everything again, on any device, ten times longer; also into how many slices
    // the inner dimension is cut, which changes the order of sums and so their rounding
};

// Tests and times each variant that needs it once on this device and driver: multiplies, compares
// with a product on the host, and compares its time with that of the next best variant. What was
// found is kept in the cache folder. False only when the device fails.
bool lw_matmul_test(struct lw_device *device, enum lw_tune tune, struct lw_error *error);

// Measures the ways to do each of `count` products (of whose addresses only matters whether they are
// there) and keeps the best, which lw_matmul takes from then on. Takes memory for the largest of
// them while it measures; a product for which there is none is left as it is.
bool lw_matmul_tune(struct lw_device *device, const struct lw_matmul *products, size_t count,
    enum lw_tune tune, struct lw_error *error);

// The table of variants, for showing it: best first, NULL past its end.
const char *lw_matmul_variant_name(size_t index);
// NULL where the device uses the variant; "" where it lacks what the variant needs; else why it does
// without.
const char *lw_matmul_variant_refusal(size_t index, const struct lw_device *device);

#endif
