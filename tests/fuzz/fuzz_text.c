// SPDX-License-Identifier: Apache-2.0
// Any bytes as text for the small tokenizer of tests/data: refused as bad UTF-8, or encoded to ids
// that decode, at once and token by token, to text which encodes to the same ids.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/text/tokenizer.h"
#include "tests/fuzz/fuzz.h"

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

static void check_ids(const struct lw_tokenizer *tokenizer, const struct lw_tokens *tokens)
{
    struct lw_token_stream stream = {.tokenizer = tokenizer};
    struct lw_string decoded = {0}, streamed = {0};
    struct lw_tokens again = {0};
    struct lw_error error = {0};
    demand(lw_tokenizer_decode(tokenizer, tokens->ids, tokens->count, false, &decoded, &error),
        error.message);
    for (size_t i = 0; i < tokens->count; i++) {
        demand(lw_token_stream_push(&stream, tokens->ids[i], &streamed, &error), error.message);
    }
    demand(lw_token_stream_finish(&stream, &streamed, &error), error.message);
    demand(strcmp(lw_string_text(&decoded), lw_string_text(&streamed)) == 0, "stream differs");
    demand(lw_tokenizer_encode(tokenizer, lw_string_text(&decoded), decoded.length, &again, &error),
        error.message);
    demand(again.count == tokens->count &&
               (again.count == 0 ||
                   memcmp(again.ids, tokens->ids, again.count * sizeof *again.ids) == 0),
        "decoded text encodes to other ids");
    lw_string_free(&decoded);
    lw_string_free(&streamed);
    lw_tokens_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct lw_tokenizer *tokenizer = small_tokenizer();
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    bool valid = lw_utf8_valid_length((const char *)bytes, size) == size;
    bool done = lw_tokenizer_encode(tokenizer, (const char *)bytes, size, &tokens, &error);
    demand(done == valid && (done || error.status == LW_BAD_INPUT), error.message);
    if (done) {
        check_ids(tokenizer, &tokens);
    }
    lw_tokens_free(&tokens);
    return 0;
}
