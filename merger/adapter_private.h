// SPDX-License-Identifier: Apache-2.0
// What adapter.c, which takes an adapter apart by the names in it, and adapter_fit.c, which holds it
// against its base and makes the products, share.
#ifndef LW_MERGER_ADAPTER_PRIVATE_H
#define LW_MERGER_ADAPTER_PRIVATE_H

#include "merger/adapter.h"
#include "merger/adapter_config.h"

// A tensor of the base and what the file has for it.
struct lw_adapter_item {
    struct lw_adapter_update update;
    // The product's tensors, NULL both where there is none. Linear layers: a [rank, inputs],
    // b [outputs, rank]; embeddings: a [rank, tokens], b [width, rank]; biases: b [outputs], no a.
    const struct lw_tensor_info *a, *b;
    bool embedding;
};

struct lw_adapter {
    const char *folder;
    struct lw_adapter_config config;
    struct lw_safetensors *file;
    struct lw_adapter_item *items; // [count]
    size_t count, capacity;
};

static inline bool lw_adapter_is_bias(const struct lw_adapter_item *item)
{
    return item->b && !item->a;
}

// Checks the item beside its tensor in the base, and finds how its product lies.
bool lw_adapter_fit(const struct lw_adapter *adapter, struct lw_adapter_item *item,
    const struct lw_merge_parent *base, struct lw_error *error);

#endif
