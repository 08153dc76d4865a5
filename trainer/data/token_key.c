// SPDX-License-Identifier: Apache-2.0
// What a cache's tokens depend on. See token_key.h.
#include "trainer/data/token_key.h"

#include <assert.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/folder.h"
#include "engine/base/hash.h"
#include "engine/base/stringbuf.h"
#include "engine/text/template.h"

// As in JSON Lines.
static const char *const probes[] = {
    "{\"system\": \"Be kind.\", \"conversations\": ["
    "{\"from\": \"human\", \"value\": \"Hello  there, <|im_start|>42!\\n\"},"
    "{\"from\": \"gpt\", \"value\": \"<think>\\nA greeting.\\n</think>\\n\\nHi. How are you?\"},"
    "{\"from\": \"human\", \"value\": \"Gr\\u00fc\\u00dfe, \\u4f60\\u597d, \\ud83d\\ude00 "
    "caf\\u0065\\u0301\"},"
    "{\"from\": \"gpt\", \"value\": \" Fine; and that is a somewhat longer answer than "
    "before.\"}]}",
    "{\"conversations\": [{\"from\": \"human\", \"value\": \"What is 12345 + 1?\"},"
    "{\"from\": \"gpt\", \"value\": \"12346\"}]}",
    "{\"tools\": \"[{\\\"name\\\": \\\"add\\\", \\\"description\\\": \\\"Adds.\\\", "
    "\\\"parameters\\\": "
    "{\\\"type\\\": \\\"object\\\", \\\"properties\\\": {\\\"a\\\": {\\\"type\\\": \\\"number\\\", "
    "\\\"description\\\": \\\"One.\\\"}}, \\\"required\\\": [\\\"a\\\"]}}]\", \"conversations\": ["
    "{\"from\": \"human\", \"value\": \"Add.\"},"
    "{\"from\": \"function_call\", \"value\": \"{\\\"name\\\": \\\"add\\\", \\\"arguments\\\": "
    "{\\\"a\\\": 1}}\"},"
    "{\"from\": \"observation\", \"value\": \"2\"}, {\"from\": \"gpt\", \"value\": \"Two.\"}]}",
};

bool lw_token_key_format(
    struct lw_string *key, const struct lw_record_format *format, struct lw_error *error)
{
    const struct {
        const char *name, *value;
    } names[] = {
        {"system", format->system},
        {"tools", format->tools},
        {"prompt", format->prompt},
        {"query", format->query},
        {"response", format->response},
        {"history", format->history},
        {"messages", format->messages},
        {"role_tag", format->role_tag},
        {"content_tag", format->content_tag},
        {"user_tag", format->user_tag},
        {"assistant_tag", format->assistant_tag},
        {"observation_tag", format->observation_tag},
        {"function_tag", format->function_tag},
        {"system_tag", format->system_tag},
    };
    // A member that is added must be named here.
    static_assert(sizeof *format == sizeof(void *) * (1 + sizeof names / sizeof *names),
        "the key names every column and tag");
    bool done = lw_string_addf(key, error, "layout %d\n", (int)format->layout);
    for (size_t i = 0; done && i < sizeof names / sizeof *names; i++) {
        // With its length, so that no name can look like several lines.
        done = !names[i].value || lw_string_addf(key, error, "%s %zu %s\n", names[i].name,
                                      strlen(names[i].value), names[i].value);
    }
    return done;
}

static bool hash_probes(
    const struct lw_encoder_params *params, struct lw_hash *hash, struct lw_error *error)
{
    const struct lw_record_format format = {.layout = LW_LAYOUT_ANY};
    struct lw_encoder *encoder = NULL;
    bool done = lw_encoder_create(&encoder, params, error);
    for (size_t i = 0; done && i < sizeof probes / sizeof *probes; i++) {
        struct lw_cut cut = {LW_CUT_RECORD, probes[i], strlen(probes[i]), 1, NULL};
        done = lw_encoder_add(encoder, &cut, &format, error);
    }
    for (int i = 0; done && i < 2; i++) { // begun, and waited for
        done = lw_encoder_run(encoder, error);
    }
    for (size_t i = 0; done && i < lw_encoder_count(encoder); i++) {
        const struct lw_encoded *encoded = lw_encoder_result(encoder, i);
        const struct lw_example_view *view = &encoded->view;
        uint64_t count = view->count;
        lw_hash_add(hash, &count, sizeof count);
        lw_hash_add(hash, encoded->fault.reason, strlen(encoded->fault.reason));
        if (count) {
            lw_hash_add(hash, view->ids, view->count * sizeof *view->ids);
            lw_hash_add(hash, view->trained, view->count);
        }
    }
    lw_encoder_destroy(&encoder);
    return done;
}

// Lengths at which each probe is cut in another place, and not at all.
static bool add_probes(
    struct lw_string *key, const struct lw_encoder_params *params, struct lw_error *error)
{
    static const size_t lengths[] = {1, 9, 30, 70, 1 << 20};
    struct lw_encoder_params probing = *params;
    struct lw_hash hash;
    bool done = true;
    probing.threads = 1;
    // The date of the day is no part of the key: what was encoded yesterday is as good today.
    if (!probing.options.tools_date) {
        probing.options.tools_date = "26 Jul 2024";
    }
    lw_hash_start(&hash, 0);
    for (size_t i = 0; done && i < sizeof lengths / sizeof *lengths; i++) {
        probing.mask.cutoff_len = lengths[i];
        done = hash_probes(&probing, &hash, error);
    }
    return done && lw_string_addf(
                       key, error, "examples %016llx\n", (unsigned long long)lw_hash_value(&hash));
}

// The files that decide ids, as far as they are there.
static bool add_tokenizer(struct lw_string *key, const char *model_folder, struct lw_error *error)
{
    static const char *const names[] = {
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"};
    struct lw_string path = {0};
    bool done = true;
    for (size_t i = 0; done && i < sizeof names / sizeof *names; i++) {
        char *bytes = NULL;
        size_t size = 0;
        done = lw_path_join(&path, model_folder, names[i], error);
        if (done && lw_file_exists(path.data)) {
            done = lw_file_read_whole(path.data, (size_t)1 << 30, &bytes, &size, error) &&
                   lw_string_addf(key, error, "%s %016llx\n", names[i],
                       (unsigned long long)lw_hash_bytes(bytes, size, 0));
        }
        lw_free(bytes);
    }
    lw_string_free(&path);
    return done;
}

bool lw_token_key_encoding(struct lw_string *key, const struct lw_encoder_params *params,
    const char *model_folder, struct lw_error *error)
{
    if (!params->tokenizer) {
        return lw_string_addf(key, error, "records without tokens\n");
    }
    const struct lw_mask_options *mask = &params->mask;
    return lw_string_addf(key, error,
               "template %s\ncutoff_len %zu\ntrain_on_prompt %d\nmask_history %d\n",
               lw_template_name(params->chat_template), mask->cutoff_len, mask->train_on_prompt,
               mask->mask_history) &&
           add_tokenizer(key, model_folder, error) && add_probes(key, params, error);
}

bool lw_token_key_file(struct lw_string *key, uint64_t size, uint64_t hash, struct lw_error *error)
{
    return lw_string_addf(key, error, "file of %llu bytes, XXH64 %016llx\n",
        (unsigned long long)size, (unsigned long long)hash);
}
