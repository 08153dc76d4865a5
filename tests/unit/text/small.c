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

#include "engine/io/json.h"

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
