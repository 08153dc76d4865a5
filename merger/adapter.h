// SPDX-License-Identifier: Apache-2.0
// A LoRA adapter as PEFT saves it (adapter_config.json, adapter_model.safetensors), and what it makes of
// the tensors of its base: PEFT's merge_and_unload. Everything in the folder is understood or refused.
// Called by parent.c, plan_tensors.c and reader.c.
//
// A target gets W + scale B A, computed in fp32 and rounded once, as PEFT computes it with an adapter in
// fp32 (to which it turns adapters in 16 bits when it loads them); of embeddings PEFT rounds the product
// to the weight's type before it adds it, and of a tensor that is replaced and then added to, the
// replacement, which is not done here. scale is lora_alpha / r, or
// lora_alpha / sqrt(r) with use_rslora.
#ifndef LW_MERGER_ADAPTER_H
#define LW_MERGER_ADAPTER_H

#include <stdint.h>

#include "engine/io/safetensors.h"

struct lw_merge_parent;

// What becomes of one tensor of the base.
struct lw_adapter_update {
    char *name; // of the base's tensor
    // A tensor that was trained whole (modules_to_save, biases) takes its place; else NULL.
    const struct lw_tensor_info *replacement;
    // The product that is added then: of `left` [rows, rank] and `right` [rank, columns], times `scale`.
    // NULL: none. A bias is [1, columns].
    float *left, *right;
    uint64_t rows, columns, rank;
    float scale;
};

struct lw_adapter;

// LW_BAD_INPUT: no adapter, one of another kind or with settings that are not folded in (DoRA, changed
// base weights...), a tensor that is not understood, or for which `base` has none of its shape, or that
// would change another parameter as well; NaNs and infinities in products. `folder` must outlive the
// adapter.
bool lw_adapter_open(struct lw_adapter **adapter, const char *folder,
    const struct lw_merge_parent *base, struct lw_error *error);
void lw_adapter_close(struct lw_adapter *adapter); // NULL: nothing

// NULL: the tensor stays as it is.
const struct lw_adapter_update *lw_adapter_find(const struct lw_adapter *adapter, const char *name);

// Reads bytes of a replacement, as lw_checkpoint_read.
bool lw_adapter_read(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error);

// Adds the product's elements [first, first + count), in the order of the base's tensor, to `values`.
// There must be one.
void lw_adapter_add(
    const struct lw_adapter_update *update, uint64_t first, float *values, uint64_t count);

#endif
