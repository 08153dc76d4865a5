// SPDX-License-Identifier: Apache-2.0
// The settings of "Metaspace", which writes spaces as a visible character: a pre-tokenizer and a
// decoder have the same. HF: pre_tokenizers/metaspace.rs.
#ifndef LW_TEXT_METASPACE_H
#define LW_TEXT_METASPACE_H

#include <cJSON.h>
#include <stddef.h>

#include "engine/base/error.h"

enum lw_prepend_scheme {
    LW_PREPEND_ALWAYS, // every text that does not begin with the character gets it
    LW_PREPEND_FIRST,  // only the text with which everything begins
    LW_PREPEND_NEVER
};

struct lw_metaspace {
    char replacement[5]; // one character, zero-terminated
    size_t length;       // of it
    enum lw_prepend_scheme scheme;
    bool split; // cut before each of these characters
};

// Reads `json`, a part of `where`. LW_BAD_INPUT says what is wrong, also when the old setting
// "add_prefix_space" contradicts "prepend_scheme".
bool lw_metaspace_read(
    struct lw_metaspace *metaspace, const cJSON *json, const char *where, struct lw_error *error);

#endif
