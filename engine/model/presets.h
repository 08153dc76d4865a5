// SPDX-License-Identifier: Apache-2.0
// Shapes of released models, and small ones for trying things and for measuring, as config.json
// texts. For `lewin init`.
#ifndef LW_MODEL_PRESETS_H
#define LW_MODEL_PRESETS_H

#include <stddef.h>

#include "engine/base/stringbuf.h"

struct lw_preset;

// Index from 0; NULL past the end.
const struct lw_preset *lw_preset_at(size_t index);
// NULL when there is none of this name.
const struct lw_preset *lw_preset_find(const char *name);

const char *lw_preset_name(const struct lw_preset *preset);
const char *lw_preset_summary(const struct lw_preset *preset);

// Appends the preset's config.json.
bool lw_preset_config(
    const struct lw_preset *preset, struct lw_string *text, struct lw_error *error);

#endif
