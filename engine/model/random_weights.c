// SPDX-License-Identifier: Apache-2.0
// See random_weights.h.
#include "engine/model/random_weights.h"

#include "engine/base/alloc.h"
#include "engine/ops/fill_random.h"

// All elements at random, padding included.
static bool fill_groups(const struct lw_store *store, const struct lw_config *config, uint32_t seed,
    struct lw_error *error)
{
    struct lw_stream *stream;
    if (!lw_stream_create(&stream, store->device, "random weights", error)) {
        return false;
    }
    for (size_t i = 0; i < store->layout->group_count; i++) {
        lw_fill_random(stream, &(struct lw_fill_random){.y = store->groups[i],
                                   .type = store->type,
                                   .count = store->layout->groups[i].count,
                                   .seed = seed + (uint32_t)i,
                                   .deviation = config->initializer_range});
    }
    uint64_t ticket;
    bool done = lw_stream_end(stream, error) && lw_stream_submit(stream, &ticket, error) &&
                lw_device_wait(store->device, ticket, error);
    lw_stream_destroy(stream);
    return done;
}

static bool fill_vector(
    const struct lw_store *store, const struct lw_parameter *parameter, struct lw_error *error)
{
    float *values = lw_calloc(parameter->columns, sizeof *values, error);
    for (uint32_t i = 0; values && i < parameter->columns; i++) {
        values[i] = parameter->slot == LW_SLOT_QKV_BIAS ? 0 : 1;
    }
    bool done = values && lw_store_write(store, parameter, 0, values, parameter->columns, error);
    lw_free(values);
    return done;
}

bool lw_random_weights(const struct lw_store *store, const struct lw_config *config, uint32_t seed,
    struct lw_error *error)
{
    bool done = fill_groups(store, config, seed, error);
    for (size_t i = 0; done && i < store->layout->parameter_count; i++) {
        const struct lw_parameter *parameter = &store->layout->parameters[i];
        done = parameter->rank != 1 || fill_vector(store, parameter, error);
    }
    return done;
}
