// SPDX-License-Identifier: Apache-2.0
// Private to init.c: the config files of a new model, made from a given config.json and what the
// caller wants otherwise.
#ifndef LW_MODEL_INIT_CONFIG_H
#define LW_MODEL_INIT_CONFIG_H

#include "engine/base/stringbuf.h"
#include "engine/model/config.h"
#include "engine/model/init.h"

struct lw_init_config {
    struct lw_config model;
    struct lw_string text;       // config.json
    struct lw_string generation; // generation_config.json
};

// `config` is for lw_init_config_free, after a failure as well. LW_BAD_INPUT: the config cannot be
// used.
bool lw_init_config_make(
    struct lw_init_config *config, const struct lw_init_params *params, struct lw_error *error);
void lw_init_config_free(struct lw_init_config *config);

#endif
