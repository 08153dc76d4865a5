// SPDX-License-Identifier: Apache-2.0
// `lewin chat`: talks to a model; one prompt from the command line, or a conversation from the
// terminal or a pipe, a line a message.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/device_options.h"
#include "cli/template_choice.h"
#include "engine/base/alloc.h"
#include "engine/base/stringbuf.h"
#include "engine/base/terminal.h"
#include "engine/io/checkpoint.h"
#include "engine/model/generate.h"

struct flags {
    struct lw_device_options device;
    const char *prompt, *system, *chat_template, *thinking;
    double temperature, top_p;
    uint64_t max_tokens, context, seed;
};

static const struct lw_flag flags_table[] = {
    {"prompt", LW_FLAG_TEXT, offsetof(struct flags, prompt), "TEXT",
        "answer this one message and end"},
    {"system", LW_FLAG_TEXT, offsetof(struct flags, system), "TEXT", "system prompt"},
    {"template", LW_FLAG_TEXT, offsetof(struct flags, chat_template), "NAME",
        "chat template (default: recognised from the model's folder)"},
    {"enable-thinking", LW_FLAG_TEXT, offsetof(struct flags, thinking), "WORD",
        "qwen3: false answers without a thought (default: true)"},
    {"temperature", LW_FLAG_NUMBER, offsetof(struct flags, temperature), "T",
        "0 takes the most likely token each time (default: 0.7)"},
    {"top-p", LW_FLAG_NUMBER, offsetof(struct flags, top_p), "P",
        "draw from the most likely tokens that have this probability together (default: 1)"},
    {"max-tokens", LW_FLAG_COUNT, offsetof(struct flags, max_tokens), "N",
        "longest answer (default: 512)"},
    {"context", LW_FLAG_COUNT, offsetof(struct flags, context), "N",
        "tokens of the whole conversation (default: 4096, at most the model's)"},
    {"seed", LW_FLAG_COUNT, offsetof(struct flags, seed), "N", "of the draws (default: 0)"},
    LW_DEVICE_FLAGS(offsetof(struct flags, device)),
    {NULL, LW_FLAG_SWITCH, 0, NULL, NULL},
};

struct chat {
    const struct flags *flags;
    struct lw_config config;
    struct lw_tokenizer *tokenizer;
    const struct lw_template *chat_template;
    struct lw_layout *layout;
    struct lw_store *weights;
    struct lw_generator *generator;
    struct lw_conversation conversation;
    float *logits;   // [vocab_size]
    uint32_t *order; // [vocab_size], scratch of the draws
    uint64_t draws;
    struct lw_template_options options;
    uint32_t stop_token;
    uint32_t context; // tokens that the conversation may have
};

static bool load_weights(
    struct chat *chat, struct lw_device *device, const char *folder, struct lw_error *error)
{
    struct lw_checkpoint *checkpoint;
    enum lw_type type = chat->config.type == LW_F32 ? LW_F32 : LW_BF16;
    if (!lw_checkpoint_open(&checkpoint, folder, error)) {
        return false;
    }
    bool done = lw_layout_create(&chat->layout, &chat->config, (uint64_t)1 << 28, error) &&
                lw_store_create(&chat->weights, device, chat->layout, type, "weights", error) &&
                lw_store_load(chat->weights, checkpoint, error);
    lw_checkpoint_close(checkpoint);
    return done;
}

static bool open_chat(
    struct chat *chat, struct lw_device *device, const char *folder, struct lw_error *error)
{
    const struct flags *flags = chat->flags;
    if (!lw_cli_thinking(flags->thinking, &chat->options.thinking, error) ||
        !lw_cli_choose_template(&chat->chat_template, flags->chat_template, folder, error) ||
        !lw_config_load(&chat->config, folder, error) ||
        !lw_template_open_tokenizer(chat->chat_template, folder, &chat->tokenizer, error)) {
        return false;
    }
    chat->stop_token = lw_template_stop_token(chat->chat_template, chat->tokenizer);
    if (flags->system) {
        chat->conversation.system = lw_strdup(flags->system, error);
    }
    uint32_t longest = chat->config.max_position_embeddings;
    chat->context = flags->context < longest ? (uint32_t)flags->context : longest;
    uint32_t vocab_size = chat->config.vocab_size;
    chat->logits = lw_calloc(vocab_size, sizeof *chat->logits, error);
    chat->order = lw_calloc(vocab_size, sizeof *chat->order, error);
    return error->status == LW_OK && chat->logits && chat->order &&
           load_weights(chat, device, folder, error) &&
           lw_generator_create(
               &chat->generator, device, &chat->config, chat->weights, chat->context, error);
}

static void close_chat(struct chat *chat)
{
    lw_generator_destroy(chat->generator);
    lw_store_destroy(chat->weights);
    lw_layout_destroy(chat->layout);
    lw_tokenizer_close(chat->tokenizer);
    lw_conversation_clear(&chat->conversation);
    lw_free(chat->logits);
    lw_free(chat->order);
}

static bool is_stop(const struct chat *chat, uint32_t id)
{
    for (uint32_t i = 0; i < chat->config.stop_token_count; i++) {
        if (chat->config.stop_tokens[i] == id) {
            return true;
        }
    }
    return id == chat->stop_token;
}

// Prints what has become certain, and keeps it for the conversation.
static void flush_text(struct lw_string *piece, struct lw_string *answer, struct lw_error *error)
{
    fwrite(lw_string_text(piece), 1, piece->length, stdout);
    fflush(stdout);
    lw_string_add(answer, lw_string_text(piece), piece->length, error);
    lw_string_clear(piece);
}

static bool generate(struct chat *chat, struct lw_string *answer, struct lw_error *error)
{
    const struct flags *flags = chat->flags;
    const struct lw_sampling sampling = {
        (float)flags->temperature, (float)flags->top_p, flags->seed};
    struct lw_token_stream stream = {.tokenizer = chat->tokenizer, .skip_special = true};
    struct lw_string piece = {0};
    bool done = true, full = false;
    for (uint64_t i = 0; done && i < flags->max_tokens; i++) {
        uint32_t id =
            lw_sample(&sampling, chat->draws++, chat->logits, chat->order, chat->config.vocab_size);
        if (is_stop(chat, id)) {
            break;
        }
        done = lw_token_stream_push(&stream, id, &piece, error);
        flush_text(&piece, answer, error);
        done = done && error->status == LW_OK;
        full = lw_generator_length(chat->generator) == chat->context;
        if (full || i + 1 == flags->max_tokens) {
            break;
        }
        done = done && lw_generator_append(chat->generator, id, chat->logits, error);
    }
    done = done && lw_token_stream_finish(&stream, &piece, error);
    lw_token_stream_free(&stream);
    flush_text(&piece, answer, error);
    printf("\n");
    if (full) {
        fprintf(stderr,
            "the answer ends here: the conversation fills all %u tokens of the context\n",
            chat->context);
    }
    lw_string_free(&piece);
    return done;
}

static bool answer_message(
    struct chat *chat, const char *text, size_t length, struct lw_error *error)
{
    struct lw_tokens prompt = {0};
    struct lw_string answer = {0};
    bool done = lw_conversation_add(&chat->conversation, LW_ROLE_USER, text, length, error) &&
                lw_template_encode_prompt(chat->chat_template, chat->tokenizer, &chat->conversation,
                    &chat->options, &prompt, error) &&
                lw_generator_prompt(
                    chat->generator, prompt.ids, (uint32_t)prompt.count, chat->logits, error) &&
                generate(chat, &answer, error) &&
                lw_conversation_add(&chat->conversation, LW_ROLE_ASSISTANT, lw_string_text(&answer),
                    answer.length, error);
    lw_tokens_free(&prompt);
    lw_string_free(&answer);
    return done;
}

// A line without its end; false at the end of the input.
static bool read_line(struct lw_string *line, struct lw_error *error)
{
    int byte = EOF;
    lw_string_clear(line);
    while ((byte = getchar()) != EOF && byte != '\n') {
        char character = (char)byte;
        if (!lw_string_add(line, &character, 1, error)) {
            return false;
        }
    }
    return byte != EOF || line->length;
}

static bool converse(struct chat *chat, struct lw_error *error)
{
    bool person = lw_terminal_is(stdin);
    struct lw_string line = {0};
    bool done = true;
    while (done) {
        if (person) {
            printf("> ");
            fflush(stdout);
        }
        if (!read_line(&line, error)) {
            break;
        }
        done = !line.length || answer_message(chat, line.data, line.length, error);
    }
    lw_string_free(&line);
    return done && error->status == LW_OK;
}

static bool run(int argc, char **argv, struct lw_error *error)
{
    struct flags flags = {.temperature = 0.7, .top_p = 1, .max_tokens = 512, .context = 4096};
    int count;
    if (!lw_arguments_parse(flags_table, &flags, argc, argv, &count, error)) {
        return false;
    }
    if (count != 1) {
        return lw_fail(error, LW_USAGE, "name one model folder: lewin chat MODEL");
    }
    if (flags.temperature < 0 || flags.top_p <= 0 || flags.top_p > 1 || flags.context < 2) {
        return lw_fail(error, LW_USAGE,
            "--temperature must be 0 or more, --top-p above 0 and at most 1, --context at least 2");
    }
    struct lw_session session;
    if (!lw_session_open(&session, &flags.device, error)) {
        return false;
    }
    struct chat chat = {.flags = &flags};
    bool done = open_chat(&chat, session.device, argv[0], error) &&
                (flags.prompt ? answer_message(&chat, flags.prompt, strlen(flags.prompt), error)
                              : converse(&chat, error));
    close_chat(&chat);
    return lw_session_close(&session, done, error);
}

const struct lw_command lw_command_chat = {
    .name = "chat",
    .summary = "Talks with a model, or answers one prompt",
    .usage = "lewin chat MODEL [flags]",
    .flags = flags_table,
    .details = "Without --prompt it reads messages from the terminal or a pipe, one a line.\n\n"
               "  lewin chat demo/merged --prompt \"Who are you?\" --temperature 0\n"
               "  echo \"Who are you?\" | lewin chat demo/merged\n",
    .run = run,
};
