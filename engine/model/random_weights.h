// SPDX-License-Identifier: Apache-2.0
// Random weights made on the device, for measuring training without a model folder: of the size that
// engine/model/init.h gives them, but not its numbers.
#ifndef LW_MODEL_RANDOM_WEIGHTS_H
#define LW_MODEL_RANDOM_WEIGHTS_H

#include "engine/model/store.h"

// Fills the store: matrices with the deviation initializer_range, norms with 1, biases with 0.
bool lw_random_weights(const struct lw_store *store, const struct lw_config *config, uint32_t seed,
    struct lw_error *error);

#endif
