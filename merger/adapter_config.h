// SPDX-License-Identifier: Apache-2.0
// adapter_config.json of a LoRA adapter, as far as it decides what folding it in does. Private to
// adapter.c.
#ifndef LW_MERGER_ADAPTER_CONFIG_H
#define LW_MERGER_ADAPTER_CONFIG_H

#include <cJSON.h>

#include "engine/base/error.h"

struct lw_adapter_config {
    double alpha;
    bool use_rslora, fan_in_fan_out;
    cJSON *json; // the rest
};

// LW_BAD_INPUT: no such file, no LoRA, or a setting under which folding in is something else.
bool lw_adapter_config_read(
    struct lw_adapter_config *config, const char *folder, struct lw_error *error);
void lw_adapter_config_free(struct lw_adapter_config *config);

// lora_alpha of a module's tensor, "X.q_proj.weight": that of alpha_pattern, where one of its keys is
// the end of the module's name.
double lw_adapter_alpha(const struct lw_adapter_config *config, const char *name);

#endif
