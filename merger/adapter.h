// SPDX-License-Identifier: Apache-2.0
// A LoRA adapter as PEFT saves it (adapter_config.json, adapter_model.safetensors), and what it makes of
// the tensors of its base: PEFT's merge_and_unload. Everything in the folder is understood or refused.
// Called by parent.c, plan_tensors.c, reader.c and products.c.
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
    // The product that is added then: of a [rows, rank] and a [rank, columns] matrix, times `scale`.
    // Of a bias it is [1, columns]. rank 0: none.
    uint64_t rows, columns, rank;
    float scale;
    // The matrices in the file, both transposed there where they are `turned`. left NULL: ones.
    const struct lw_tensor_info *left, *right;
    bool turned;
};

struct lw_adapter;

// LW_BAD_INPUT: no adapter, one of another kind or with settings that are not folded in (DoRA, changed
// base weights...), a tensor that is not understood, or for which `base` has none of its shape, or that
// would change another parameter as well. `folder` must outlive the adapter.
bool lw_adapter_open(struct lw_adapter **adapter, const char *folder,
    const struct lw_merge_parent *base, struct lw_error *error);
void lw_adapter_close(struct lw_adapter *adapter); // NULL: nothing

// NULL: the tensor stays as it is.
const struct lw_adapter_update *lw_adapter_find(const struct lw_adapter *adapter, const char *name);

// Reads bytes of a replacement, as lw_checkpoint_read.
bool lw_adapter_read(const struct lw_adapter *adapter, const struct lw_tensor_info *info,
    uint64_t start, void *bytes, size_t size, struct lw_error *error);

// The rank of the product's matrices as they are read: filled up with zeros to what lw_low_rank_sum
// takes.
uint64_t lw_adapter_rank(const struct lw_adapter_update *update);

// Reads the product's matrices, left [rows, lw_adapter_rank] and right [lw_adapter_rank, columns].
// LW_BAD_INPUT: a NaN or an infinity in them.
bool lw_adapter_read_product(const struct lw_adapter *adapter,
    const struct lw_adapter_update *update, float *left, float *right, struct lw_error *error);

#endif
