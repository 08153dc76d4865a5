// SPDX-License-Identifier: Apache-2.0
// Any bytes as text for the small tokenizers of tests/data: refused as bad UTF-8, or encoded to ids
// that decode to the same text at once and token by token; with the byte-level tokenizer it encodes
// to the same ids again.
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

// A tokenizer, kept for all inputs.
struct tokenizer {
    const char *name;
    bool byte_level;
    struct lw_tokenizer *open;
};

static const struct lw_tokenizer *open_tokenizer(struct tokenizer *tokenizer)
{
    if (!tokenizer->open) {
        char path[1024];
        const char *folder = getenv("LEWIN_TEST_DATA");
        struct lw_error error = {0};
        snprintf(
            path, sizeof path, "%s/tokenizers/%s", folder ? folder : "tests/data", tokenizer->name);
        demand(lw_tokenizer_open(&tokenizer->open, path, &error), error.message);
    }
    return tokenizer->open;
}

static void check_ids(
    const struct lw_tokenizer *tokenizer, const struct lw_tokens *tokens, bool same_again)
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
    demand(!same_again || (again.count == tokens->count &&
                              (again.count == 0 || memcmp(again.ids, tokens->ids,
                                                       again.count * sizeof *again.ids) == 0)),
        "decoded text encodes to other ids");
    lw_string_free(&decoded);
    lw_string_free(&streamed);
    lw_tokens_free(&again);
}

static void check_text(struct tokenizer *kept, const uint8_t *bytes, size_t size)
{
    const struct lw_tokenizer *tokenizer = open_tokenizer(kept);
    struct lw_tokens tokens = {0};
    struct lw_error error = {0};
    bool valid = lw_utf8_valid_length((const char *)bytes, size) == size;
    bool done = lw_tokenizer_encode(tokenizer, (const char *)bytes, size, &tokens, &error);
    demand(done == valid && (done || error.status == LW_BAD_INPUT), error.message);
    if (done) {
        check_ids(tokenizer, &tokens, kept->byte_level);
    }
    lw_tokens_free(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct tokenizer tokenizers[] = {{"qwen2", true, NULL}, {"phi3", false, NULL}};
    for (size_t i = 0; i < sizeof tokenizers / sizeof *tokenizers; i++) {
        check_text(&tokenizers[i], bytes, size);
    }
    return 0;
}
