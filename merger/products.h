// SPDX-License-Identifier: Apache-2.0
// Adds the products of LoRA adapters to the inputs of a merge, on the device. Called by compute.c.
#ifndef LW_MERGER_PRODUCTS_H
#define LW_MERGER_PRODUCTS_H

#include "merger/passes.h"

struct lw_merge_products;

bool lw_merge_products_create(struct lw_merge_products **products, const struct lw_merge_plan *plan,
    struct lw_device *device, struct lw_error *error);
void lw_merge_products_destroy(struct lw_merge_products *products); // NULL: nothing

// Reads the matrices of the products that go into a tensor. LW_BAD_INPUT: NaNs or infinities in them.
bool lw_merge_products_begin(struct lw_merge_products *products,
    const struct lw_merge_outline *outline, struct lw_error *error);

// Neighbours of the tensor that lie in the arrays of a part from element `at` on.
struct lw_merge_range {
    uint64_t at, first, count;
};

// Adds its product to each of the tensor's inputs that has one, in the ranges that `part` holds: its
// arrays x and base, of the types of the files, become the sums, in fp32, in memory that the next call
// uses again. The device has done it when this returns.
bool lw_merge_products_add(struct lw_merge_products *products,
    const struct lw_merge_outline *outline, const struct lw_merge_range *ranges, size_t range_count,
    struct lw_array *x, struct lw_array *base, struct lw_error *error);

#endif
