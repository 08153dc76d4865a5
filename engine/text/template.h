// SPDX-License-Identifier: Apache-2.0
// Chat templates: a conversation to token ids, split into what is read and what is learned, as
// LLaMA-Factory's templates of the same names do it (src/llamafactory/data/template.py). Each
// element (prefix, system block, one message with its header) is tokenised by itself, so no token
// reaches over the border between a prompt and its response.
#ifndef LW_TEXT_TEMPLATE_H
#define LW_TEXT_TEMPLATE_H

#include "engine/text/conversation.h"
#include "engine/text/tokenizer.h"

struct lw_template;

// The template of that name, or NULL.
const struct lw_template *lw_template_find(const char *name);
const char *lw_template_name(const struct lw_template *chat_template);

// The names of all templates in the order of the table; NULL past the last.
const char *lw_template_name_at(size_t index);

// The token that ends an assistant turn ("<|im_end|>"), at which generation stops.
const char *lw_template_stop_word(const struct lw_template *chat_template);

// One turn: what is read (everything up to and including the assistant's header) and what is
// learned (the response with its end).
struct lw_turn {
    struct lw_tokens source, target;
};

// Zero-initialise before use. lw_turns_clear keeps the memory for the next conversation.
struct lw_turns {
    struct lw_turn *items;
    size_t count;
    size_t capacity; // items that have memory, used or not
};

void lw_turns_clear(struct lw_turns *turns);
void lw_turns_free(struct lw_turns *turns);

// The turns of `conversation`, replacing what `out` held (LLaMA-Factory: encode_multiturn). System
// NULL or "" takes the template's default system prompt. Messages go in pairs: user or observation,
// then assistant or function call; anything else is LW_BAD_INPUT, and so is text that is not UTF-8
// and a tokenizer that lacks the template's stop word.
bool lw_template_encode(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    struct lw_turns *out, struct lw_error *error);

// Appends the ids from which the model goes on as the assistant: the whole conversation, whose last
// message is the user's or an observation, and the assistant's header after it. They are the ids
// that training on the same conversation reads before the response.
bool lw_template_encode_prompt(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    struct lw_tokens *out, struct lw_error *error);

#endif
