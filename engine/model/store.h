// SPDX-License-Identifier: Apache-2.0
// One value per weight, in device memory: the weights themselves, their fp32 masters, gradients or
// moments. All stores of a model share its layout.
#ifndef LW_MODEL_STORE_H
#define LW_MODEL_STORE_H

#include "engine/model/parameters.h"
#include "engine/ops/tensor.h"

struct lw_checkpoint;

struct lw_store {
    const struct lw_layout *layout;
    struct lw_device *device;
    enum lw_type type;
    struct lw_arena *arena;
    struct lw_buffer *groups; // [layout->group_count]
};

// `name` stands in messages and must outlive the store. The layout and the device must, too. The
// memory is zeroed.
bool lw_store_create(struct lw_store **store, struct lw_device *device,
    const struct lw_layout *layout, enum lw_type type, const char *name, struct lw_error *error);
void lw_store_destroy(struct lw_store *store);

// A slot's matrix, or an absent tensor when the model has no such slot.
struct lw_tensor lw_store_tensor(const struct lw_store *store, uint32_t layer, enum lw_slot slot);

// Elements [first, first + count) of a parameter, as fp32 on the host.
bool lw_store_read(const struct lw_store *store, const struct lw_parameter *parameter,
    uint64_t first, float *values, uint64_t count, struct lw_error *error);
bool lw_store_write(const struct lw_store *store, const struct lw_parameter *parameter,
    uint64_t first, const float *values, uint64_t count, struct lw_error *error);

// Fills the store from a checkpoint of any of the types F32, BF16, F16. LW_BAD_INPUT names a
// missing tensor, one of another shape or type, and one that holds a NaN or an infinity.
bool lw_store_load(
    const struct lw_store *store, const struct lw_checkpoint *checkpoint, struct lw_error *error);

#endif
