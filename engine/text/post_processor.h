// SPDX-License-Identifier: Apache-2.0
// The post-processor of tokenizer.json: which ids are put before and after a single text when
// special tokens are asked for. HF: processors/.
#ifndef LW_TEXT_POST_PROCESSOR_H
#define LW_TEXT_POST_PROCESSOR_H

#include <cJSON.h>

#include "engine/text/tokens.h"

// Adds the ids of `json` (NULL: none) to `prefix` and `suffix`. TemplateProcessing and ByteLevel,
// alone or in a Sequence; others are LW_BAD_INPUT.
bool lw_post_processor_read(
    struct lw_tokens *prefix, struct lw_tokens *suffix, const cJSON *json, struct lw_error *error);

#endif
