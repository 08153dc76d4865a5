// SPDX-License-Identifier: Apache-2.0
// Where each weight lies. The weights are laid out once, in elements, over blocks ("groups") that
// fit the device; weights, master weights, gradients and moments all use the same layout, so that
// the optimizer walks whole groups and not tensors.
#ifndef LW_MODEL_PARAMETERS_H
#define LW_MODEL_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model/config.h"
#include "engine/model/family.h"

// A matrix of the decoder.
struct lw_place {
    uint32_t rows, columns; // 0: the model has no such slot
    uint32_t group;
    uint64_t offset; // elements from the group's start
};

// A parameter as Hugging Face names it: some rows of a slot (or entries, where rows is 1).
struct lw_parameter {
    char name[96];
    enum lw_slot slot;
    uint32_t layer;
    uint32_t rank;          // 2, or 1 for a vector
    uint32_t rows, columns; // of the parameter; rows 1 for a vector
    uint64_t offset;        // elements from the start of the slot
    bool decayed;           // transformers' rule: all but norms and biases
};

struct lw_group {
    uint64_t count;   // elements, padding included
    uint64_t decayed; // the first this many get weight decay
};

struct lw_layout {
    struct lw_place *places; // [layers][LW_SLOT_COUNT]; slots outside layers in layer 0
    struct lw_group *groups;
    size_t group_count, group_capacity;
    struct lw_parameter *parameters; // in transformers' order of names
    size_t parameter_count;
    uint64_t parameter_elements; // without padding
};

// `group_limit`: the most elements of a group, unless a single slot has more.
bool lw_layout_create(struct lw_layout **layout, const struct lw_config *config,
    uint64_t group_limit, struct lw_error *error);
void lw_layout_destroy(struct lw_layout *layout);

const struct lw_place *lw_layout_place(
    const struct lw_layout *layout, uint32_t layer, enum lw_slot slot);

// Elements over all groups.
uint64_t lw_layout_elements(const struct lw_layout *layout);

#endif
