// SPDX-License-Identifier: Apache-2.0
// Which layer a tensor belongs to, by its name alone: "model.layers.7.mlp.up_proj.weight" is of layer
// 7 of the stack "model.layers.". No table of architectures: whatever counts its layers behind a word
// for them is understood. Called by parent.c and plan_tensors.c.
#ifndef LW_MERGER_LAYERS_H
#define LW_MERGER_LAYERS_H

#include <stdint.h>

#include "engine/base/stringbuf.h"

struct lw_merge_layer {
    size_t prefix; // bytes of the name before the number
    size_t end;    // where the number ends
    uint32_t number;
};

// False: the tensor belongs to no layer.
bool lw_merge_layer_find(const char *name, struct lw_merge_layer *layer);

// Sets `renamed` to the name with `number` in place of the layer's.
bool lw_merge_layer_rename(struct lw_string *renamed, const char *name,
    const struct lw_merge_layer *layer, uint32_t number, struct lw_error *error);

// Whether a tensor without a layer comes before the layers: embeddings of the input.
bool lw_merge_is_input(const char *name);

// Whether the rows of a tensor are those of the vocabulary: the embedding of tokens, or the head.
bool lw_merge_is_vocabulary(const char *name);

#endif
