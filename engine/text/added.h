// SPDX-License-Identifier: Apache-2.0
// Added tokens: texts that are tokens as a whole wherever they occur ("<|im_end|>"), found before
// anything else is done to a text. HF: tokenizer/added_vocabulary.rs.
#ifndef LW_TEXT_ADDED_H
#define LW_TEXT_ADDED_H

#include <stddef.h>

#include "engine/text/tokens.h"

enum lw_added_flags {
    LW_ADDED_SINGLE_WORD = 1, // not where letters stand beside it
    LW_ADDED_LSTRIP = 2,      // takes white space before it with it
    LW_ADDED_RSTRIP = 4,      // and after it
    LW_ADDED_SPECIAL = 8      // can be left to be ordinary text
};

// Texts to look for, as a tree by their bytes. Zero-initialise before use.
struct lw_added {
    struct lw_added_node *nodes;
    size_t node_count, node_capacity;
    struct lw_added_token *tokens;
    size_t count, capacity;
    bool first[256]; // bytes that some token begins with
};

void lw_added_free(struct lw_added *added);

// Adds a text to look for. Of two equal texts the first counts.
bool lw_added_add(struct lw_added *added, const char *text, size_t length, uint32_t id,
    unsigned flags, struct lw_error *error);

// Gives the token `id` other flags. False when it is not looked for here.
bool lw_added_set_flags(struct lw_added *added, uint32_t id, unsigned flags);

// Looks for `id` no longer.
void lw_added_remove(struct lw_added *added, uint32_t id);

// A part of a text: an added token, or what lies between (id LW_NO_TOKEN).
struct lw_added_part {
    size_t start, end;
    uint32_t id;
};

// Zero-initialise before use, keep for the next text.
struct lw_added_parts {
    struct lw_added_part *items;
    size_t count, capacity;
};

void lw_added_free_parts(struct lw_added_parts *parts);

// Replaces what `parts` held by the parts of `text` (UTF-8) in order: the longest tokens, leftmost
// first; with `plain` those that are special are passed over.
bool lw_added_split(const struct lw_added *added, const char *text, size_t length, bool plain,
    struct lw_added_parts *parts, struct lw_error *error);

#endif
