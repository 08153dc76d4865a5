// SPDX-License-Identifier: Apache-2.0
// Encoding conversations: each element of the row gets its content, and its ids are put behind
// those of the elements before (LLaMA-Factory: Template._encode, _convert_elements_to_ids).
#include "engine/text/template.h"

#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/elements.h"
#include "engine/text/thought.h"
#include "engine/text/tool_format.h"

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

bool lw_thinking_parse(const char *text, enum lw_thinking *thinking)
{
    static const char *const names[] = {
        [LW_THINKING_ON] = "true", [LW_THINKING_OFF] = "false", [LW_THINKING_UNSET] = "null"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], text) == 0) {
            *thinking = (enum lw_thinking)i;
            return true;
        }
    }
    return false;
}

uint32_t lw_template_stop_token(
    const struct lw_template *chat_template, const struct lw_tokenizer *tokenizer)
{
    return chat_template->stop_word ? lw_tokenizer_token_id(tokenizer, chat_template->stop_word)
                                    : lw_tokenizer_eos(tokenizer);
}

// A tokenizer without the word that ends a turn would spell it in letters, and the model would never
// learn to stop.
static bool check_stop_token(
    const struct lw_template *row, const struct lw_tokenizer *tokenizer, struct lw_error *error)
{
    bool needs_eos = false;
    for (size_t i = 0; i < LW_MOST_ELEMENTS && row->assistant[i]; i++) {
        needs_eos = needs_eos || strcmp(row->assistant[i], "{eos}") == 0;
    }
    if ((!row->stop_word && !needs_eos) || lw_template_stop_token(row, tokenizer) != LW_NO_TOKEN) {
        return true;
    }
    return lw_fail(error, LW_BAD_INPUT,
        "The template %s needs the token %s, which the tokenizer of this model does not have. "
        "Choose the template of the model's family.",
        row->name, row->stop_word ? row->stop_word : "that ends a sequence (eos_token)");
}

bool lw_template_open_tokenizer(const struct lw_template *chat_template, const char *model_folder,
    struct lw_tokenizer **tokenizer, struct lw_error *error)
{
    if (!lw_tokenizer_open(tokenizer, model_folder, error)) {
        return false;
    }
    uint32_t stop = lw_template_stop_token(chat_template, *tokenizer);
    bool replaces = chat_template->replace_eos && stop != lw_tokenizer_eos(*tokenizer);
    if (check_stop_token(chat_template, *tokenizer, error) &&
        (!replaces || lw_tokenizer_register_eos(*tokenizer, chat_template->stop_word, error))) {
        return true;
    }
    lw_tokenizer_close(*tokenizer);
    *tokenizer = NULL;
    return false;
}

void lw_turns_clear(struct lw_turns *turns)
{
    turns->count = 0;
    turns->head = 0;
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
    turn->header = turn->ending = 0;
    return turn;
}

// One encoding.
struct writer {
    const struct lw_template *chat_template;
    const struct lw_tokenizer *tokenizer;
    const struct lw_conversation *conversation;
    const struct lw_template_options *options;
    struct lw_element_writer elements;
    struct lw_string system;  // the system prompt with the tools
    struct lw_string content; // a response without its thoughts
    struct lw_string calls;   // the calls of a function message
    struct lw_error *error;
};

static void writer_free(struct writer *writer)
{
    lw_element_writer_free(&writer->elements);
    lw_string_free(&writer->system);
    lw_string_free(&writer->content);
    lw_string_free(&writer->calls);
}

// The system prompt and the tools after it; *present is false when there is neither.
static bool describe_system(struct writer *writer, bool *present)
{
    const struct lw_template *row = writer->chat_template;
    const struct lw_conversation *conversation = writer->conversation;
    const char *fallback =
        writer->options->default_system ? writer->options->default_system : row->default_system;
    const char *system =
        conversation->system && *conversation->system ? conversation->system : fallback;
    const char *tools = conversation->tools && *conversation->tools ? conversation->tools : NULL;
    *present = *system || tools;
    return lw_string_add(&writer->system, system, strlen(system), writer->error) &&
           (!tools || lw_tool_format_describe(row->tool_format, tools, writer->options->tools_date,
                          &writer->system, writer->error));
}

// What stands before the first message. Where the system prompt belongs into that message, it is
// left in writer->system.
static bool encode_head(struct writer *writer, struct lw_tokens *out)
{
    const struct lw_template *row = writer->chat_template;
    struct lw_error *error = writer->error;
    uint32_t bos = lw_tokenizer_bos(writer->tokenizer);
    bool present;
    if (row->begins_with_bos && bos != LW_NO_TOKEN && !lw_tokens_add(out, bos, error)) {
        return false;
    }
    bool done = describe_system(writer, &present);
    if (done && present && row->system_in_user) {
        // Such rows have a single element here.
        struct lw_string filled = {0};
        done = lw_element_fill(
            &filled, row->system[0], lw_string_text(&writer->system), writer->system.length, error);
        lw_string_free(&writer->system);
        writer->system = filled;
    } else if (done && present) {
        const struct lw_element_content content = {
            .text = lw_string_text(&writer->system), .length = writer->system.length};
        done = lw_elements_encode(&writer->elements, row->system, &content, out, error);
        lw_string_clear(&writer->system);
    }
    return done ? true : lw_fail_in(error, "The system prompt of a conversation");
}

static const lw_elements *elements_of(const struct lw_template *row, enum lw_role role)
{
    return role == LW_ROLE_OBSERVATION && row->observation[0]    ? &row->observation
           : role == LW_ROLE_FUNCTION && row->function[0]        ? &row->function
           : role == LW_ROLE_USER || role == LW_ROLE_OBSERVATION ? &row->user
                                                                 : &row->assistant;
}

static bool encode_read(struct writer *writer, size_t index, struct lw_tokens *out)
{
    const struct lw_template *row = writer->chat_template;
    const struct lw_message *message = &writer->conversation->messages[index];
    struct lw_element_content content = {.text = message->text, .length = message->length};
    if (message->role == LW_ROLE_USER) {
        content.turn = index / 2;
        content.takes_turn = !row->system_in_user;
        if (writer->system.length) {
            struct lw_string *joined = &writer->system;
            if (!lw_string_add(joined, message->text, message->length, writer->error)) {
                return false;
            }
            content.text = joined->data;
            content.length = joined->length;
        }
    }
    bool done = lw_elements_encode(
        &writer->elements, *elements_of(row, message->role), &content, out, writer->error);
    lw_string_clear(&writer->system);
    return done;
}

// The text of a response, with its thoughts or without.
static bool prepare_response(
    struct writer *writer, size_t index, bool drop_thoughts, struct lw_element_content *content)
{
    const struct lw_message *message = &writer->conversation->messages[index];
    *content = (struct lw_element_content){.text = message->text, .length = message->length};
    if (drop_thoughts) {
        lw_string_clear(&writer->content);
        if (!lw_thought_remove(&writer->content, message->text, message->length, writer->error)) {
            return false;
        }
        content->text = lw_string_text(&writer->content);
        content->length = writer->content.length;
    }
    return true;
}

static bool encode_response(struct writer *writer, size_t index,
    const struct lw_element_content *content, struct lw_tokens *out)
{
    const struct lw_template *row = writer->chat_template;
    enum lw_role role = writer->conversation->messages[index].role;
    struct lw_element_content written = *content;
    bool done = true;
    if (role == LW_ROLE_FUNCTION) {
        lw_string_clear(&writer->calls);
        done = lw_tool_format_calls(row->tool_format, content->text, content->length,
            !row->system_in_user, &writer->calls, writer->error);
        written.text = lw_string_text(&writer->calls);
        written.length = writer->calls.length;
    }
    return done && lw_elements_encode(
                       &writer->elements, *elements_of(row, role), &written, out, writer->error);
}

static bool message_fails(const struct writer *writer, size_t index)
{
    return lw_fail_in(writer->error, "Message %zu of a conversation", index + 1);
}

static bool add_empty_thought(struct writer *writer, struct lw_tokens *out)
{
    static const char empty[] = LW_THOUGHT_OPEN LW_THOUGHT_CLOSE;
    return lw_tokenizer_encode(writer->tokenizer, empty, sizeof empty - 1, out, writer->error);
}

// How many ids at the ends of a turn must stay, those of an empty thought after the header included.
static bool mark_ends(struct writer *writer, size_t index, struct lw_turn *turn, size_t thought)
{
    const struct lw_template *row = writer->chat_template;
    const struct lw_message *messages = writer->conversation->messages + index;
    struct lw_tokens source = turn->source;
    source.count -= thought;
    if (!lw_elements_end(&writer->elements, *elements_of(row, messages[0].role), &source,
            &turn->header, writer->error) ||
        !lw_elements_end(&writer->elements, *elements_of(row, messages[1].role), &turn->target,
            &turn->ending, writer->error)) {
        return false;
    }
    turn->header += thought;
    return true;
}

// The turn that begins with message `index`. The source may have the head of the sequence already.
static bool encode_turn(struct writer *writer, size_t index, struct lw_turn *turn)
{
    const struct lw_template_options *options = writer->options;
    bool thinks = writer->chat_template->thinks;
    bool is_last = index + 2 == writer->conversation->count;
    bool discards = options->mask_history && !options->preserve_thinking;
    bool drops = thinks && (options->thinking == LW_THINKING_OFF || (discards && !is_last));
    struct lw_element_content response;
    if (!encode_read(writer, index, &turn->source)) {
        return message_fails(writer, index);
    }
    if (!prepare_response(writer, index + 1, drops, &response)) {
        return message_fails(writer, index + 1);
    }
    size_t before = turn->source.count;
    bool lacks_thought = thinks && !lw_thought_occurs(response.text, response.length);
    if (lacks_thought && (is_last || !discards) &&
        !add_empty_thought(
            writer, options->thinking == LW_THINKING_ON ? &turn->target : &turn->source)) {
        return false;
    }
    return encode_response(writer, index + 1, &response, &turn->target)
               ? !options->mark_ends || mark_ends(writer, index, turn, turn->source.count - before)
               : message_fails(writer, index + 1);
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
    const struct lw_template_options *options, struct lw_turns *out, struct lw_error *error)
{
    struct writer writer = {chat_template, tokenizer, conversation, options,
        {.tokenizer = tokenizer}, {0}, {0}, {0}, error};
    bool done = false;
    lw_turns_clear(out);
    if (!check_roles(conversation, error) || !check_stop_token(chat_template, tokenizer, error)) {
        return false;
    }
    if (conversation->count % 2 != 0) {
        return lw_fail(error, LW_BAD_INPUT,
            "A conversation of %zu messages does not end with a response.", conversation->count);
    }
    for (size_t i = 0; i < conversation->count; i += 2) {
        struct lw_turn *turn = add_turn(out, error);
        if (!turn || (i == 0 && !encode_head(&writer, &turn->source))) {
            goto cleanup;
        }
        out->head = i == 0 ? turn->source.count : out->head;
        if (!encode_turn(&writer, i, turn)) {
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
    const struct lw_template_options *options, struct lw_tokens *out, struct lw_error *error)
{
    struct writer writer = {chat_template, tokenizer, conversation, options,
        {.tokenizer = tokenizer}, {0}, {0}, {0}, error};
    size_t before = out->count;
    if (!check_roles(conversation, error) || !check_stop_token(chat_template, tokenizer, error)) {
        return false;
    }
    if (conversation->count % 2 != 1) {
        return lw_fail(error, LW_BAD_INPUT,
            "A conversation of %zu messages does not end with a message to answer.",
            conversation->count);
    }
    bool drops = chat_template->thinks && !options->preserve_thinking;
    bool done = encode_head(&writer, out);
    for (size_t i = 0; done && i < conversation->count; i++) {
        struct lw_element_content response;
        done = i % 2 == 0 ? encode_read(&writer, i, out)
                          : prepare_response(&writer, i, drops, &response) &&
                                encode_response(&writer, i, &response, out);
        done = done || message_fails(&writer, i);
    }
    done = done && (!chat_template->thinks || options->thinking == LW_THINKING_ON ||
                       add_empty_thought(&writer, out));
    if (!done) {
        out->count = before;
    }
    writer_free(&writer);
    return done;
}
