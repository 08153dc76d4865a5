// SPDX-License-Identifier: Apache-2.0
// Cuts a plan into items for the pipe: parts of tensors in passes, in the order in which they are
// made, and the room that they take. Called by compute.c.
#ifndef LW_MERGER_ITEMS_H
#define LW_MERGER_ITEMS_H

#include "merger/passes.h"

// Buffers that the stages of the pipe share: as many that a stage which waits for the disk now and then
// holds up none of the others.
enum { LW_MERGE_SLOTS = 8 };

struct lw_merge_item {
    size_t tensor;
    enum lw_merge_pass pass;      // LW_PASS_COUNT: all passes, over a tensor that is one part
    uint64_t first, count;        // elements; of LW_PASS_SAMPLE how many are drawn
    size_t after;                 // items that must have been computed before this one is read
    bool checked;                 // the first time that these elements are read
    bool begins, ends_pass, ends; // the tensor's first item, a pass's last, the tensor's last
};

struct lw_merge_items {
    struct lw_merge_item *items;
    size_t count, capacity;
    uint64_t part_elements; // the most in a part
    struct lw_merge_sizes sizes;
};

// Of the tensors from `first` on. `part_elements`: the most in a part; 0: what suits most devices. Parts
// of whole rows may have more.
// What the methods cannot do with these inputs and values is found here, with lw_merge_outline's
// errors. `items` is for lw_merge_items_free, after a failure as well.
bool lw_merge_items_cut(struct lw_merge_items *items, const struct lw_merge_plan *plan,
    size_t first, uint64_t part_elements, struct lw_error *error);
void lw_merge_items_free(struct lw_merge_items *items);

#endif
