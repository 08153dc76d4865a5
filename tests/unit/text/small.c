// SPDX-License-Identifier: Apache-2.0
// The small tokenizers for tests.
#include "tests/unit/text/small.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/io/json.h"
#include "engine/text/tokenizer_parts.h"

static void small_path(char path[1024], const char *name, const char *rest)
{
    const char *data = getenv("LEWIN_TEST_DATA");
    assert_non_null(data);
    snprintf(path, 1024, "%s/tokenizers/%s%s", data, name, rest);
}

cJSON *small_json_named(const char *name)
{
    char path[1024];
    struct lw_error error = {0};
    small_path(path, name, "/tokenizer.json");
    cJSON *json = lw_json_read(path, NULL, &error);
    assert_non_null(json);
    return json;
}

cJSON *small_json(void)
{
    return small_json_named("qwen2");
}

struct lw_tokenizer *small_tokenizer_named(const char *name)
{
    char path[1024];
    struct lw_error error = {0};
    struct lw_tokenizer *tokenizer;
    small_path(path, name, "");
    assert_true(lw_tokenizer_open(&tokenizer, path, &error));
    return tokenizer;
}

struct lw_tokenizer *small_tokenizer(void)
{
    return small_tokenizer_named("qwen2");
}

void small_expect(struct lw_error *error, enum lw_status status, const char *words)
{
    if (error->status != status || !strstr(error->message, words)) {
        fail_msg("expected status %d and \"%s\", got %d: %s", (int)status, words,
            (int)error->status, error->message);
    }
    *error = (struct lw_error){0};
}

void small_check_memory(const char *name, const char *text, const char *shown)
{
    struct lw_tokenizer *tokenizer = NULL;
    struct lw_tokens tokens = {0};
    struct lw_string decoded = {0};
    cJSON *json = small_json_named(name);
    bool done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        lw_memory_fail_after(successes);
        done = lw_tokenizer_build(&tokenizer, json, &error);
        lw_memory_fail_after(-1);
        assert_true(
            done ? tokenizer && !error.message[0] : !tokenizer && error.status == LW_NO_RESOURCE);
    }
    done = false;
    for (long successes = 0; !done; successes++) {
        struct lw_error error = {0};
        lw_tokens_free(&tokens);
        lw_string_free(&decoded);
        lw_memory_fail_after(successes);
        done = lw_tokenizer_encode(tokenizer, text, strlen(text), &tokens, &error) &&
               lw_tokenizer_decode(tokenizer, tokens.ids, tokens.count, false, &decoded, &error);
        lw_memory_fail_after(-1);
        assert_true(done || error.status == LW_NO_RESOURCE);
    }
    assert_string_equal(decoded.data, shown);
    lw_tokens_free(&tokens);
    lw_string_free(&decoded);
    cJSON_Delete(json);
    lw_tokenizer_close(tokenizer);
}
