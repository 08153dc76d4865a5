// SPDX-License-Identifier: Apache-2.0
// "Replace" of tokenizer.json, which normalizers and decoders share: each match of a text or of a
// regular expression gives way to a text. HF: normalizers/replace.rs.
#ifndef LW_TEXT_REPLACEMENT_H
#define LW_TEXT_REPLACEMENT_H

#include <cJSON.h>

#include "engine/base/stringbuf.h"
#include "engine/text/pattern.h"

// Zero-initialise before use.
struct lw_replacement {
    struct lw_string sought;    // a plain text, or
    struct lw_pattern *pattern; // not NULL: a regular expression
    struct lw_string content;
};

// Reads "pattern" and "content" of `json`, a part of `where`. LW_BAD_INPUT says what is wrong;
// lw_replacement_free is due also then.
bool lw_replacement_read(struct lw_replacement *replacement, const cJSON *json, const char *where,
    struct lw_error *error);
void lw_replacement_free(struct lw_replacement *replacement);

// Appends `length` bytes of UTF-8 to `out`, with the replacements. Nothing matches in an empty text.
// LW_BAD_INPUT when that might be more than 1 GiB, as steps that each lengthen a text could make it.
bool lw_replacement_run(const struct lw_replacement *replacement, const char *text, size_t length,
    struct lw_matcher *matcher, struct lw_string *out, struct lw_error *error);

#endif
