// SPDX-License-Identifier: Apache-2.0
// Encoding conversations: each element of the row gets its content, and its ids are put behind
// those of the elements before (LLaMA-Factory: Template._encode, _convert_elements_to_ids).
#include "engine/text/template.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template_rows.h"
#include "engine/text/tool_format.h"

static const char placeholder[] = "{content}";

const struct lw_template *lw_template_find(const char *name)
{
    for (size_t i = 0; i < lw_template_row_count; i++) {
        if (strcmp(lw_template_rows[i].name, name) == 0) {
            return &lw_template_rows[i];
        }
    }
    return NULL;
}

const char *lw_template_name(const struct lw_template *chat_template)
{
    return chat_template->name;
}

const char *lw_template_name_at(size_t index)
{
    return index < lw_template_row_count ? lw_template_rows[index].name : NULL;
}

const char *lw_template_stop_word(const struct lw_template *chat_template)
{
    return chat_template->stop_word;
}

void lw_turns_clear(struct lw_turns *turns)
{
    turns->count = 0;
}

void lw_turns_free(struct lw_turns *turns)
{
    for (size_t i = 0; i < turns->capacity; i++) {
        lw_tokens_free(&turns->items[i].source);
        lw_tokens_free(&turns->items[i].target);
    }
    lw_free(turns->items);
    *turns = (struct lw_turns){0};
}

// A new turn without tokens at the end, with what memory an earlier use of it left.
static struct lw_turn *add_turn(struct lw_turns *turns, struct lw_error *error)
{
    size_t before = turns->capacity;
    if (turns->count == before) {
        if (!lw_reserve(&turns->items, &turns->capacity, before + 1, sizeof *turns->items, error)) {
            return NULL;
        }
        memset(turns->items + before, 0, (turns->capacity - before) * sizeof *turns->items);
    }
    struct lw_turn *turn = &turns->items[turns->count++];
    lw_tokens_clear(&turn->source);
    lw_tokens_clear(&turn->target);
    return turn;
}

// One encoding: the text of an element is built in `element`.
struct writer {
    const struct lw_template *chat_template;
    const struct lw_tokenizer *tokenizer;
    const struct lw_conversation *conversation;
    struct lw_string element, content;
    struct lw_error *error;
};

static void writer_free(struct writer *writer)
{
    lw_string_free(&writer->element);
    lw_string_free(&writer->content);
}

// Builds an element: the pattern with `content` in the place of {content}.
static bool fill(struct writer *writer, const char *pattern, const char *content, size_t length)
{
    const char *place = strstr(pattern, placeholder);
    const char *after = place + sizeof placeholder - 1;
    lw_string_clear(&writer->element);
    return lw_string_add(&writer->element, pattern, (size_t)(place - pattern), writer->error) &&
           lw_string_add(&writer->element, content, length, writer->error) &&
           lw_string_add(&writer->element, after, strlen(after), writer->error);
}

static bool encode_element(struct writer *writer, struct lw_tokens *out)
{
    return lw_tokenizer_encode(
        writer->tokenizer, writer->element.data, writer->element.length, out, writer->error);
}

// LLaMA-Factory's user elements have a second placeholder, {{idx}}, for the number of the turn. No
// template here uses it, but one in the content of a message is replaced all the same.
static bool replace_index(struct writer *writer, size_t turn)
{
    static const char mark[] = "{{idx}}";
    const char *text = writer->element.data;
    const char *end = text + writer->element.length;
    const char *at = text;
    while (at && (size_t)(end - at) >= sizeof mark - 1 && memcmp(at, mark, sizeof mark - 1) != 0) {
        at = memchr(at + 1, '{', (size_t)(end - at - 1));
    }
    if (!at || (size_t)(end - at) < sizeof mark - 1) {
        return true;
    }
    const char *rest = at + sizeof mark - 1;
    struct lw_string replaced = {0};
    bool done = lw_string_add(&replaced, text, (size_t)(at - text), writer->error) &&
                lw_string_addf(&replaced, writer->error, "%zu", turn) &&
                lw_string_add(&replaced, rest, (size_t)(end - rest), writer->error);
    lw_string_free(&writer->element);
    writer->element = replaced;
    return done;
}

// A tokenizer without the word that ends a turn would spell it in letters, and the model would never
// learn to stop.
static bool check_stop_word(const struct writer *writer)
{
    const struct lw_template *row = writer->chat_template;
    return lw_tokenizer_token_id(writer->tokenizer, row->stop_word) != LW_NO_TOKEN ||
           lw_fail(writer->error, LW_BAD_INPUT,
               "The template %s needs the token %s, which the tokenizer of this model does not "
               "have. Choose the template of the model's family.",
               row->name, row->stop_word);
}

// What stands before the first message: the beginning of the sequence and the system block.
static bool encode_head(struct writer *writer, struct lw_tokens *out)
{
    const struct lw_template *row = writer->chat_template;
    const struct lw_conversation *conversation = writer->conversation;
    const char *system =
        conversation->system && *conversation->system ? conversation->system : row->default_system;
    const char *tools = conversation->tools && *conversation->tools ? conversation->tools : NULL;
    uint32_t bos = lw_tokenizer_bos(writer->tokenizer);
    if (row->begins_with_bos && bos != LW_NO_TOKEN && !lw_tokens_add(out, bos, writer->error)) {
        return false;
    }
    if (!*system && !tools) {
        return true;
    }
    lw_string_clear(&writer->content);
    if (!lw_string_add(&writer->content, system, strlen(system), writer->error) ||
        (tools && !lw_tool_format_describe(
                      row->tool_format, row->name, tools, &writer->content, writer->error)) ||
        !fill(writer, row->system, writer->content.data, writer->content.length) ||
        !encode_element(writer, out)) {
        return lw_fail_in(writer->error, "The system prompt of a conversation");
    }
    return true;
}

static bool build_message(struct writer *writer, size_t index)
{
    const struct lw_template *row = writer->chat_template;
    const struct lw_message *message = &writer->conversation->messages[index];
    switch (message->role) {
    case LW_ROLE_USER:
        return fill(writer, row->user, message->text, message->length) &&
               replace_index(writer, index / 2);
    case LW_ROLE_OBSERVATION:
        return fill(writer, row->observation, message->text, message->length);
    case LW_ROLE_ASSISTANT:
        return fill(writer, row->assistant, message->text, message->length);
    case LW_ROLE_FUNCTION:
        lw_string_clear(&writer->content);
        return lw_tool_format_calls(
                   row->tool_format, row->name, message, &writer->content, writer->error) &&
               fill(writer, row->assistant, writer->content.data, writer->content.length);
    case LW_ROLE_SYSTEM:
        break;
    }
    return lw_fail(writer->error, LW_BAD_INPUT, "A system prompt can only be the first message.");
}

static bool encode_message(struct writer *writer, size_t index, struct lw_tokens *out)
{
    if (build_message(writer, index) && encode_element(writer, out)) {
        return true;
    }
    return lw_fail_in(writer->error, "Message %zu of a conversation", index + 1);
}

// The messages take turns: what is read is at even places, what is learned at odd ones.
static bool check_roles(const struct lw_conversation *conversation, struct lw_error *error)
{
    for (size_t i = 0; i < conversation->count; i++) {
        enum lw_role role = conversation->messages[i].role;
        bool response = role == LW_ROLE_ASSISTANT || role == LW_ROLE_FUNCTION;
        if (role == LW_ROLE_SYSTEM || response != (i % 2 == 1)) {
            return lw_fail(error, LW_BAD_INPUT,
                "Message %zu of a conversation is of the role \"%s\" where \"%s\" must be.", i + 1,
                lw_role_name(role), i % 2 ? "assistant or function call" : "user or observation");
        }
    }
    return true;
}

bool lw_template_encode(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    struct lw_turns *out, struct lw_error *error)
{
    struct writer writer = {chat_template, tokenizer, conversation, {0}, {0}, error};
    bool done = false;
    lw_turns_clear(out);
    if (!check_roles(conversation, error) || !check_stop_word(&writer)) {
        return false;
    }
    if (conversation->count % 2 != 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "A conversation of %zu messages does not end with a response.", conversation->count);
    }
    for (size_t i = 0; i < conversation->count; i += 2) {
        struct lw_turn *turn = add_turn(out, error);
        if (!turn || (i == 0 && !encode_head(&writer, &turn->source)) ||
            !encode_message(&writer, i, &turn->source) ||
            !encode_message(&writer, i + 1, &turn->target)) {
            goto cleanup;
        }
    }
    done = true;
cleanup:
    writer_free(&writer);
    return done;
}

bool lw_template_encode_prompt(const struct lw_template *chat_template,
    const struct lw_tokenizer *tokenizer, const struct lw_conversation *conversation,
    struct lw_tokens *out, struct lw_error *error)
{
    struct writer writer = {chat_template, tokenizer, conversation, {0}, {0}, error};
    size_t before = out->count;
    if (!check_roles(conversation, error) || !check_stop_word(&writer)) {
        return false;
    }
    if (conversation->count % 2 != 1) {
        return lw_fail(error, LW_BAD_INPUT,
            "A conversation of %zu messages does not end with a message to answer.",
            conversation->count);
    }
    bool done = encode_head(&writer, out);
    for (size_t i = 0; done && i < conversation->count; i++) {
        done = encode_message(&writer, i, out);
    }
    if (!done) {
        out->count = before;
    }
    writer_free(&writer);
    return done;
}
