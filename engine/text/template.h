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

// What a conversation is encoded under. Zero is LLaMA-Factory's default of each.
enum lw_thinking {
    LW_THINKING_ON,   // a response without a thought gets an empty one, which is learned
    LW_THINKING_OFF,  // thoughts are removed; the empty one is read, not learned
    LW_THINKING_UNSET // thoughts are kept; the empty one is read, not learned
};

struct lw_template_options {
    enum lw_thinking thinking; // of templates that think; the others take no notice
    bool mask_history;      // only the last response is learned: earlier ones lose their thoughts
    bool preserve_thinking; // they keep them all the same
    bool mark_ends;         // say what of a turn must stay when it is shortened
    const char *default_system; // instead of the template's; NULL: that one
    const char *tools_date;     // in llama3's description of tools ("26 Jul 2024"); NULL: today
};

// "true", "false" or "null" (LLaMA-Factory's enable_thinking); false for anything else.
bool lw_thinking_parse(const char *text, enum lw_thinking *thinking);

// Opens the tokenizer of a model folder as the template wants it: LLaMA-Factory's templates make
// their stop word the end of a sequence, which takes away what whitespace that token swallowed.
// LW_BAD_INPUT for a tokenizer that lacks the token which ends a turn.
bool lw_template_open_tokenizer(const struct lw_template *chat_template, const char *model_folder,
    struct lw_tokenizer **tokenizer, struct lw_error *error);

// The token that ends an assistant turn, at which generation stops: the template's stop word
// ("<|im_end|>"), else the tokenizer's end of a sequence. LW_NO_TOKEN where it has none.
uint32_t lw_template_stop_token(
    const struct lw_template *chat_template, const struct lw_tokenizer *tokenizer);

// One turn: what is read (everything up to and including the assistant's header) and what is
// learned (the response with its end). With mark_ends also how many ids at the end of each are the
// assistant's header and the stop token with what follows it, else 0.
struct lw_turn {
    struct lw_tokens source, target;
    size_t header, ending;
};

// Zero-initialise before use. lw_turns_clear keeps the memory for the next conversation.
struct lw_turns {
    struct lw_turn *items;
    size_t count;
    size_t capacity; // items that have memory, used or not
    size_t head;     // ids of the first source before its message: BOS and system prompt
};

void lw_turns_clear(struct lw_turns *turns);
void lw_turns_free(struct lw_turns *turns);

// The turns of `conversation`, replacing what `out` held (LLaMA-Factory: encode_multiturn). System
// NULL or "" takes the template's default system prompt. Messages go in pairs: user or observation,
// then assistant or function call; anything else is LW_BAD_INPUT, and so is text that is not UTF-8
// and a tokenizer that lacks the token which ends a turn.
bool lw_template_encode(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    const struct lw_template_options *options, struct lw_turns *out, struct lw_error *error);

// Appends the ids from which the model goes on as the assistant: the whole conversation, whose last
// message is the user's or an observation, and the assistant's header after it (LLaMA-Factory:
// encode_oneturn). Of a template that thinks, earlier responses lose their thoughts unless these are
// preserved, and with thinking off the prompt ends in the empty thought; of the others it is what
// training on the same conversation reads before the response.
bool lw_template_encode_prompt(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    const struct lw_template_options *options, struct lw_tokens *out, struct lw_error *error);

#endif
