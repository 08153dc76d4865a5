// SPDX-License-Identifier: Apache-2.0
// Elements of a template to token ids: the text of a message put into its place, each element
// tokenised by itself (LLaMA-Factory: StringFormatter, Template._convert_elements_to_ids).
#ifndef LW_TEXT_ELEMENTS_H
#define LW_TEXT_ELEMENTS_H

#include "engine/text/template_rows.h"
#include "engine/text/tokenizer.h"

// Zero-initialise, set `tokenizer`; lw_element_writer_free releases the memory.
struct lw_element_writer {
    const struct lw_tokenizer *tokenizer;
    struct lw_string text; // of the element at hand
    struct lw_tokens end;
};

void lw_element_writer_free(struct lw_element_writer *writer);

// What goes into the elements.
struct lw_element_content {
    const char *text;
    size_t length;
    size_t turn;     // takes the place of {{idx}}
    bool takes_turn; // only user messages do
};

// Appends the text of an element, with `content` in the place of {content} where it has one.
bool lw_element_fill(struct lw_string *out, const char *element, const char *content, size_t length,
    struct lw_error *error);

// Appends the ids of `elements`.
bool lw_elements_encode(struct lw_element_writer *writer, const lw_elements elements,
    const struct lw_element_content *content, struct lw_tokens *out, struct lw_error *error);

// How many ids at the end of `ids` belong to what follows the content in `elements`: the
// assistant's header, the stop token.
bool lw_elements_end(struct lw_element_writer *writer, const lw_elements elements,
    const struct lw_tokens *ids, size_t *count, struct lw_error *error);

#endif
