// SPDX-License-Identifier: Apache-2.0
// A model that goes into a merge: its tensors, and what of its config.json a merge must know.
// Architectures that the engine cannot run can still be merged. Called by plan.c.
#ifndef LW_MERGER_PARENT_H
#define LW_MERGER_PARENT_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/io/checkpoint.h"
#include "merger/adapter.h"
#include "merger/layers.h"

enum { LW_MERGE_STACKS = 8 };

// Layers that follow each other.
struct lw_merge_stack {
    const char *name; // of a tensor, which begins with the stack's name
    size_t prefix;    // bytes of that name
    uint32_t layers;
    uint32_t uncounted; // more of them, which config.json does not count
};

struct lw_merge_parent {
    const char *folder;  // the caller's
    const char *adapter; // folder of a LoRA adapter that is folded in, the caller's; NULL: none
    struct lw_checkpoint *checkpoint;
    struct lw_adapter *updates; // of the adapter; NULL: none
    cJSON *config;
    const char *architecture; // belongs to `config`
    // Parameters that may share one matrix, by name; NULL where the engine does not know the family.
    const char *embedding, *head;
    bool tied; // config.json ties the head to the embedding
    // Layers by the names of the tensors; a model of text has one stack. Layers that its config.json
    // does not count are heads that predict more tokens, which some files hold behind the others.
    struct lw_merge_stack stacks[LW_MERGE_STACKS];
    size_t stack_count;
    const char *layers_key; // where config.json counts the layers; NULL: nowhere known
};

// LW_BAD_INPUT: no config.json, no architecture in it, tensors that cannot be read. `parent` is zeros
// but for its adapter, and is for lw_merge_parent_close, after a failure as well.
bool lw_merge_parent_open(
    struct lw_merge_parent *parent, const char *folder, struct lw_error *error);
void lw_merge_parent_close(struct lw_merge_parent *parent);

// The stack that a tensor's layer is in; NULL: the tensor is in none.
const struct lw_merge_stack *lw_merge_parent_stack(
    const struct lw_merge_parent *parent, const char *name, struct lw_merge_layer *layer);

// Adds a line to `problems` for each setting of config.json that changes what the weights mean and
// is not the same in both; `*count` counts them. A setting that one does not have is no problem. The
// number of layers counts where they are `whole` models.
bool lw_merge_parent_compare(const struct lw_merge_parent *base,
    const struct lw_merge_parent *other, bool whole, struct lw_string *problems, size_t *count,
    struct lw_error *error);

#endif
