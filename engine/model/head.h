// SPDX-License-Identifier: Apache-2.0
// The language-model head and the loss, fused in chunks of trained rows: the logits of all tokens
// never exist, and rows without a target are never computed.
#ifndef LW_MODEL_HEAD_H
#define LW_MODEL_HEAD_H

#include "engine/model/inputs.h"
#include "engine/model/store.h"
#include "engine/ops/matmul.h"

struct lw_head_params {
    const struct lw_config *config;
    const struct lw_store *weights;
    const struct lw_store *gradients; // NULL: no backward
    const struct lw_inputs *inputs;
    struct lw_tensor hidden;          // [tokens, hidden_size]: the normed output of the last layer
    struct lw_tensor hidden_gradient; // as hidden; its trained rows are written; absent: none
    uint32_t chunk_rows;              // trained rows per chunk
};

struct lw_head {
    struct lw_head_params params;
    struct lw_arena *arena;
    struct lw_tensor gathered;          // [chunk_rows, hidden_size]
    struct lw_tensor gathered_gradient; // the same
    struct lw_tensor logits;            // [chunk_rows, vocab_size] fp32
    struct lw_tensor logits_gradient;   // the same, storage type; the logits themselves in fp32
    struct lw_buffer losses;            // [tokens, rounded up to chunks] fp32, per trained row
    struct lw_buffer scratch;
    uint32_t chunk_count;
    struct lw_stream **loss_chunks;     // forward only
    struct lw_stream **gradient_chunks; // forward and backward; NULL without gradients
};

// Rows per chunk that keep the logits near 128 MiB, between 32 and 1024 and not above `tokens`.
uint32_t lw_head_chunk_rows(
    const struct lw_device *device, const struct lw_config *config, uint32_t tokens);

#define LW_HEAD_PRODUCTS 3

// The matrix products of a chunk, without memory, for planning and measuring; their count.
size_t lw_head_products(const struct lw_config *config, enum lw_type type, uint32_t chunk_rows,
    bool backward, struct lw_matmul products[LW_HEAD_PRODUCTS]);

// Bytes that lw_head_create takes, for the plan.
uint64_t lw_head_size(const struct lw_device *device, const struct lw_config *config,
    enum lw_type type, uint32_t tokens, uint32_t chunk_rows, bool backward);

bool lw_head_create(struct lw_head **head, struct lw_device *device,
    const struct lw_head_params *params, struct lw_error *error);
void lw_head_destroy(struct lw_head *head);

// Submits the chunks that hold `trained` rows: their losses, and the gradients when `backward`.
bool lw_head_submit(
    const struct lw_head *head, uint32_t trained, bool backward, struct lw_error *error);

#endif
