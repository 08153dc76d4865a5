// SPDX-License-Identifier: Apache-2.0
// adapter_config.json: which of its settings say how the tensors of an adapter are to be used. Called
// by adapter.c.
#ifndef LW_MERGER_ADAPTER_CONFIG_H
#define LW_MERGER_ADAPTER_CONFIG_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/text/pattern.h"

// A module's own number, by a regular expression for the end of its name.
struct lw_adapter_pattern {
    struct lw_pattern *pattern;
    double value;
};

struct lw_adapter_patterns {
    struct lw_adapter_pattern *items;
    size_t count, capacity;
};

struct lw_adapter_config {
    struct lw_string path; // of the file
    double rank, alpha;
    bool rslora;         // the scale is alpha / sqrt(rank), not alpha / rank
    bool fan_in_fan_out; // weights lie as [inputs, outputs]
    bool biases;         // some biases were trained, and are in the file
    bool weight_tying;   // changes of the embedding are meant for a tied head as well
    struct lw_adapter_patterns ranks, alphas;
};

// LW_BAD_INPUT names the key. `config` is zeros, and for lw_adapter_config_free, after a failure as
// well.
bool lw_adapter_config_read(
    struct lw_adapter_config *config, const char *folder, struct lw_error *error);
void lw_adapter_config_free(struct lw_adapter_config *config);

// Sets the rank that a module's matrices must have and the factor of their product.
bool lw_adapter_config_scale(const struct lw_adapter_config *config, const char *module,
    double *rank, double *scale, struct lw_error *error);

#endif
