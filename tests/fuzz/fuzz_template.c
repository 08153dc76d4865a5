// SPDX-License-Identifier: Apache-2.0
// Any text as every part of a conversation, under every template and option: refused as bad input, or
// encoded to turns whose ends lie inside them, and shortened to examples that keep these ends.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/text/template.h"
#include "engine/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/data/examples.h"

static void demand(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

// Kept for all inputs.
static const struct lw_tokenizer *small_tokenizer(void)
{
    static struct lw_tokenizer *tokenizer;
    if (!tokenizer) {
        char path[1024];
        const char *folder = getenv("LEWIN_TEST_DATA");
        struct lw_error error = {0};
        snprintf(path, sizeof path, "%s/tokenizers/qwen2", folder ? folder : "tests/data");
        demand(lw_tokenizer_open(&tokenizer, path, &error), error.message);
    }
    return tokenizer;
}

// The example of the turns in `room` tokens: no longer than that, and what is trained of a response
// ends as the response does.
static void check_example(const struct lw_turns *turns, size_t room, bool mask_history)
{
    struct lw_example example = {0};
    const struct lw_mask_options options = {
        .cutoff_len = room, .mask_history = mask_history, .keep_ends = true};
    demand(lw_example_build(turns, &options, &example, NULL), "no example");
    demand(example.count <= room && !example.stop_cut, "the example is too long");
    const struct lw_turn *last = &turns->items[mask_history ? turns->count - 1 : 0];
    if (mask_history && example.count) {
        const struct lw_tokens *target = &last->target;
        demand(memcmp(example.ids + example.count - last->ending,
                   target->ids + target->count - last->ending,
                   last->ending * sizeof *target->ids) == 0,
            "the stop token is lost");
    }
    demand(example.count || room < last->header + last->ending, "the example is empty");
    lw_example_free(&example);
}

static void check_turns(const struct lw_turns *turns, bool mask_history)
{
    size_t all = 0;
    for (size_t i = 0; i < turns->count; i++) {
        const struct lw_turn *turn = &turns->items[i];
        size_t head = i ? 0 : turns->head;
        demand(head + turn->header <= turn->source.count && turn->ending <= turn->target.count,
            "the ends are longer than the turn");
        all += turn->source.count + turn->target.count;
    }
    for (size_t room = 1; all && room <= all + 1; room += 1 + room / 3) {
        check_example(turns, room, mask_history);
    }
}

static void run(const struct lw_template *row, const struct lw_conversation *conversation,
    const struct lw_template_options *options)
{
    struct lw_turns turns = {0};
    struct lw_tokens prompt = {0};
    struct lw_error error = {0};
    const struct lw_tokenizer *tokenizer = small_tokenizer();
    if (lw_template_encode(row, tokenizer, conversation, options, &turns, &error)) {
        check_turns(&turns, options->mask_history);
        struct lw_conversation asked = *conversation;
        asked.count--;
        demand(lw_template_encode_prompt(row, tokenizer, &asked, options, &prompt, &error),
            error.message);
    } else {
        demand(error.status == LW_BAD_INPUT, error.message);
    }
    lw_tokens_free(&prompt);
    lw_turns_free(&turns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum lw_role roles[] = {
        LW_ROLE_USER, LW_ROLE_FUNCTION, LW_ROLE_OBSERVATION, LW_ROLE_ASSISTANT};
    struct lw_conversation conversation = {0};
    struct lw_error error = {0};
    // The first byte chooses the template and the second how; the rest is every text there is.
    size_t count = 0;
    while (lw_template_name_at(count)) {
        count++;
    }
    demand(count > 0, "there are no templates");
    const char *name = lw_template_name_at(size > 2 ? bytes[0] % count : 0);
    unsigned how = size > 2 ? bytes[1] : 0;
    const char *text = size > 2 ? (const char *)bytes + 2 : "";
    size_t length = size > 2 ? size - 2 : 0;
    const struct lw_template_options options = {.thinking = (enum lw_thinking)(how % 3),
        .mask_history = how & 4,
        .preserve_thinking = how & 8,
        .mark_ends = true,
        .tools_date = "26 Jul 2024"};
    if (how & 16) {
        conversation.tools = lw_strndup(text, length, &error);
    }
    if (how & 32) {
        conversation.system = lw_strndup(text, length, &error);
    }
    for (size_t i = 0; i < 4; i++) {
        bool call = i == 1 && how & 64;
        demand(lw_conversation_add(&conversation, i == 1 && !call ? LW_ROLE_ASSISTANT : roles[i],
                   text, length, &error),
            error.message);
    }
    run(lw_template_find(name), &conversation, &options);
    lw_conversation_clear(&conversation);
    return 0;
}
