// SPDX-License-Identifier: Apache-2.0
// usage: template TEMPLATE TOKENIZER_FOLDER FIXTURE [TEXTS]
// Checks a chat template against a fixture (shared/fixtures/chat_templates): ids and learned spans of
// "llamafactory", and the prompt of the last response, which must be the same ids up to there, and
// where the official template agrees, also those of "hf_generation_prompt". A fixture without
// messages takes those of TEXTS, a fixture with the same conversations. Prints each mismatch; exits
// non-zero when there is one. Paths may begin with $VARIABLE, without which the test is skipped.
#include <stdio.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"
#include "tests/golden/fixture.h"

struct check {
    const struct lw_template *chat_template;
    const struct lw_tokenizer *tokenizer;
    struct lw_template_options options;
    struct lw_conversation conversation;
    struct lw_turns turns;
    struct lw_string id; // of the conversation, for messages
    struct lw_tokens expected, expected_spans, got, got_spans;
    unsigned long checks, mismatches;
    struct lw_error error;
};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool read_role(enum lw_role *role, const cJSON *name)
{
    static const char *const names[] = {
        [LW_ROLE_SYSTEM] = "system",
        [LW_ROLE_USER] = "user",
        [LW_ROLE_ASSISTANT] = "assistant",
        [LW_ROLE_OBSERVATION] = "observation",
        [LW_ROLE_FUNCTION] = "function_call",
    };
    for (size_t i = 0; cJSON_IsString(name) && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name->valuestring, names[i]) == 0) {
            *role = (enum lw_role)i;
            return true;
        }
    }
    return false;
}

static bool add_message(struct check *check, const cJSON *message)
{
    enum lw_role role;
    struct lw_string text = {0};
    bool done = read_role(&role, member(message, "role")) &&
                fixture_text(&text, member(message, "content"), &check->error);
    if (done && role == LW_ROLE_SYSTEM) {
        check->conversation.system = text.data; // taken over
        return true;
    }
    done = done && lw_conversation_add(&check->conversation, role, lw_string_text(&text),
                       text.length, &check->error);
    lw_string_free(&text);
    return done;
}

// The messages of `chat`, and its tools if it has some.
static bool read_messages(struct check *check, const cJSON *chat)
{
    const cJSON *messages = member(chat, "messages");
    const cJSON *tools = member(chat, "tools");
    lw_conversation_clear(&check->conversation);
    if (cJSON_IsString(tools)) {
        check->conversation.tools = lw_strdup(tools->valuestring, &check->error);
    }
    for (const cJSON *message = messages ? messages->child : NULL; message;
         message = message->next) {
        if (!add_message(check, message)) {
            return lw_fail(&check->error, LW_BAD_INPUT, "A message cannot be read.");
        }
    }
    return true;
}

static bool read_expected(struct check *check, const cJSON *fixture)
{
    const cJSON *targets = member(fixture, "targets");
    lw_tokens_clear(&check->expected_spans);
    for (const cJSON *span = targets ? targets->child : NULL; span; span = span->next) {
        if (!lw_tokens_add(
                &check->expected_spans, (uint32_t)span->child->valuedouble, &check->error) ||
            !lw_tokens_add(
                &check->expected_spans, (uint32_t)span->child->next->valuedouble, &check->error)) {
            return false;
        }
    }
    return fixture_ids(&check->expected, member(fixture, "ids"), &check->error);
}

static bool collect_turns(struct check *check)
{
    lw_tokens_clear(&check->got);
    lw_tokens_clear(&check->got_spans);
    for (size_t i = 0; i < check->turns.count; i++) {
        const struct lw_tokens *source = &check->turns.items[i].source;
        const struct lw_tokens *target = &check->turns.items[i].target;
        struct lw_tokens *got = &check->got;
        if (!lw_tokens_append(got, source->ids, source->count, &check->error) ||
            !lw_tokens_add(&check->got_spans, (uint32_t)got->count, &check->error) ||
            !lw_tokens_append(got, target->ids, target->count, &check->error) ||
            !lw_tokens_add(&check->got_spans, (uint32_t)got->count, &check->error)) {
            return false;
        }
    }
    return true;
}

static void compare(struct check *check, const char *what, const struct lw_tokens *expected,
    const struct lw_tokens *got)
{
    check->checks++;
    check->mismatches += !fixture_same_ids(what, &check->id, expected, got);
}

// `chat` is the fixture of the conversation; the expected ids of all turns are in check->expected.
// qwen3 leaves the thoughts of earlier responses out of a prompt, as the official template does, so
// its prompts are compared with that one's instead, but for an empty system prompt, which only the
// official one keeps.
static bool check_prompt(struct check *check, const cJSON *chat, bool same_as_official)
{
    const struct lw_tokens *spans = &check->expected_spans;
    bool thinks = strcmp(lw_template_name(check->chat_template), "qwen3") == 0;
    const char *system = check->conversation.system;
    check->conversation.count--;
    lw_tokens_clear(&check->got);
    bool done = lw_template_encode_prompt(check->chat_template, check->tokenizer,
        &check->conversation, &check->options, &check->got, &check->error);
    check->conversation.count++;
    if (!done) {
        return false;
    }
    if (!thinks) {
        check->expected.count = spans->ids[spans->count - 2];
        compare(check, "prompt", &check->expected, &check->got);
    }
    if (thinks ? !system || *system : same_as_official) {
        const cJSON *official = member(member(chat, "hf_generation_prompt"), "ids");
        if (!fixture_ids(&check->expected, official, &check->error)) {
            return false;
        }
        compare(check, "official prompt", &check->expected, &check->got);
    }
    return true;
}

static bool check_conversation(struct check *check, const cJSON *chat, const cJSON *text)
{
    const char *name = lw_template_name(check->chat_template);
    const cJSON *fixture = member(member(chat, "llamafactory"), name);
    bool same_as_official = cJSON_IsTrue(member(fixture, "same_ids_as_hf"));
    if (!fixture_text(&check->id, member(chat, "id"), &check->error) ||
        !read_messages(check, text) || !read_expected(check, fixture) ||
        !lw_template_encode(check->chat_template, check->tokenizer, &check->conversation,
            &check->options, &check->turns, &check->error) ||
        !collect_turns(check)) {
        return false;
    }
    compare(check, "ids", &check->expected, &check->got);
    compare(check, "learned spans", &check->expected_spans, &check->got_spans);
    return check_prompt(check, chat, same_as_official);
}

static bool check_all(struct check *check, const cJSON *fixture, const cJSON *texts)
{
    const cJSON *chats = member(fixture, "conversations");
    const cJSON *source = texts ? member(texts, "conversations") : chats;
    unsigned long count = 0;
    const cJSON *text = source ? source->child : NULL;
    for (const cJSON *chat = chats ? chats->child : NULL; chat && text;
         chat = chat->next, text = text->next, count++) {
        if (!check_conversation(check, chat, text)) {
            return lw_fail_in(&check->error, "conversation %s", lw_string_text(&check->id));
        }
    }
    printf(
        "%lu conversations, %lu checks, %lu mismatches\n", count, check->checks, check->mismatches);
    return count > 0 && check->mismatches == 0;
}

int main(int argc, char **argv)
{
    struct lw_string folder = {0}, file = {0}, texts_file = {0};
    struct check check = {0};
    struct lw_tokenizer *tokenizer = NULL;
    cJSON *fixture = NULL, *texts = NULL;
    int status = 1;
    if (argc != 4 && argc != 5) {
        fputs("usage: template TEMPLATE TOKENIZER_FOLDER FIXTURE [TEXTS]\n", stderr);
        return 2;
    }
    check.chat_template = lw_template_find(argv[1]);
    if (!fixture_path(&folder, argv[2]) || !fixture_path(&file, argv[3]) ||
        (argc == 5 && !fixture_path(&texts_file, argv[4]))) {
        status = FIXTURE_SKIPPED;
    } else if (!check.chat_template) {
        fprintf(stderr, "There is no template %s.\n", argv[1]);
    } else if (lw_template_open_tokenizer(
                   check.chat_template, folder.data, &tokenizer, &check.error) &&
               (fixture = fixture_read(file.data, &check.error)) &&
               (argc == 4 || (texts = fixture_read(texts_file.data, &check.error)))) {
        check.tokenizer = tokenizer;
        status = check_all(&check, fixture, texts) ? 0 : 1;
    }
    if (check.error.message[0]) {
        fprintf(stderr, "%s\n", check.error.message);
    }
    cJSON_Delete(fixture);
    cJSON_Delete(texts);
    lw_tokenizer_close(tokenizer);
    lw_string_free(&folder);
    lw_string_free(&file);
    lw_string_free(&texts_file);
    lw_string_free(&check.id);
    lw_conversation_clear(&check.conversation);
    lw_turns_free(&check.turns);
    lw_tokens_free(&check.expected);
    lw_tokens_free(&check.expected_spans);
    lw_tokens_free(&check.got);
    lw_tokens_free(&check.got_spans);
    return status;
}
